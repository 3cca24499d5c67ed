#include "http/request_parser.hpp"

#include <algorithm>
#include <charconv>

#include <llhttp.h>

#include "http/characters.hpp"
#include "http/host.hpp"
#include "http/method.hpp"
#include "http/transfer_encoding.hpp"

namespace simul::http {
namespace {

// What the request line may hold besides its target: a method and a version.
constexpr std::size_t kMethodAndVersion = 64;
// Of 2^64-1. More would be padding.
constexpr std::size_t kLengthDigits = 20;

// All that can be seen, and no fragment. Browsers send also what RFC 3986 would have escaped.
constexpr CharacterSet kTargetCharacters([](char c) { return c > ' ' && c < 0x7f && c != '#'; });

// The status to refuse it with, or 0.
int check_version(std::string_view version) {
  if (version == "HTTP/1.1" || version == "HTTP/1.0") {
    return 0;
  }
  const bool well_formed = version.size() == 8 && version.starts_with("HTTP/") &&
                           is_digit(version[5]) && version[6] == '.' && is_digit(version[7]);
  return well_formed ? 505 : 400;
}

int pause(llhttp_t* /*llhttp*/) { return HPE_PAUSED; }

constexpr llhttp_settings_t kPauseAfterHead = {.on_headers_complete = pause};

}  // namespace

RequestParser::Step RequestParser::fail(int status) noexcept {
  status_ = status;
  place_ = Place::failed;
  return {.event = Event::error, .consumed = 0};
}

RequestParser::Step RequestParser::parse(std::string_view input) {
  switch (place_) {
    case Place::ended:
      // The views into the last head end here.
      request_ = {};
      found_ = {};
      partial_.clear();
      line_ = seen_ = empty_lines_ = 0;
      complete_ = false;
      place_ = Place::head;
      [[fallthrough]];
    case Place::head:
      return parse_head(input);
    case Place::body:
      return parse_body(input);
    case Place::failed:
      break;
  }
  return {.event = Event::error, .consumed = 0};
}

RequestParser::Step RequestParser::parse_head(std::string_view input) {
  const std::size_t before = partial_.size();
  std::string_view text = input;
  if (before != 0) {
    // No more than what is enough to refuse it: a body may follow.
    constexpr std::size_t kEmptyLines = 2 * (kMaxEmptyLines + 1);
    text = partial_.append(
        input.substr(0, limits_.head + kEmptyLines + 1 - std::min(before, limits_.head)));
  }
  std::string_view head = text;
  int status = line_ == 0 ? skip_empty_lines(head) : 0;
  const std::size_t skipped = text.size() - head.size();
  if (skipped != 0) {
    seen_ = 0;
    if (before != 0) {
      head = partial_.erase(0, skipped);
    }
  }
  if (status == 0) {
    status = take_lines(head);
  }
  if (status != 0) {
    return fail(status);
  }
  if (!complete_) {
    if (before == 0) {
      partial_ = head;
    }
    return {.event = Event::more, .consumed = input.size()};
  }
  if (before != 0) {
    partial_.resize(line_);
  }
  if (status = conclude(head.substr(0, line_)); status != 0) {
    return fail(status);
  }
  place_ = Place::body;
  return {.event = Event::head, .consumed = skipped + line_ - before};
}

// This and the functions below give the status to fail with, or 0.
//
// Some clients send an empty line after a body (RFC 9112, 2.2). What isn't HTTP (a TLS handshake, say) is known
// by its first byte, which need not be followed by a line's end.
int RequestParser::skip_empty_lines(std::string_view& text) noexcept {
  while (text.starts_with("\r\n")) {
    if (++empty_lines_ > kMaxEmptyLines) {
      return 400;
    }
    text.remove_prefix(2);
  }
  return text.empty() || text == "\r" || is_token_char(text.front()) ? 0 : 400;
}

// Each line as soon as it is whole, for a client that doesn't speak HTTP may never come to the end of a head.
int RequestParser::take_lines(std::string_view head) noexcept {
  const std::size_t line_limit = std::min(limits_.target + kMethodAndVersion, limits_.head);
  for (;;) {
    const std::size_t newline = head.find('\n', seen_);
    const bool incomplete = newline == std::string_view::npos;
    const std::size_t size = incomplete ? head.size() : newline + 1;
    const bool request_line = line_ == 0;
    if (size > (request_line ? line_limit : limits_.head)) {
      return request_line ? 414 : 431;
    }
    seen_ = size;
    if (incomplete) {
      return 0;
    }
    if (newline == line_ || head[newline - 1] != '\r') {
      return 400;
    }
    const std::string_view line = head.substr(line_, newline - 1 - line_);
    if (line.empty()) {
      line_ = size;
      complete_ = true;
      return 0;
    }
    if (const int status = request_line ? take_request_line(line) : take_field(line); status != 0) {
      return status;
    }
    line_ = size;
  }
}

int RequestParser::take_request_line(std::string_view line) noexcept {
  const std::size_t first = line.find(' ');
  if (first == std::string_view::npos) {
    return 400;
  }
  const std::size_t second = line.find(' ', first + 1);
  if (second == std::string_view::npos) {
    return 400;
  }
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, second - first - 1);
  const std::string_view version = line.substr(second + 1);
  const bool known = is_method(method);
  if ((!known && !is_token(method)) || target.empty() || !kTargetCharacters.has_all(target)) {
    return 400;
  }
  if (const int status = check_version(version); status != 0) {
    return status;
  }
  if (!known) {
    return 501;
  }
  if (target.size() > limits_.target) {
    return 414;
  }
  found_.method = {.begin = 0, .size = first};
  found_.target = {.begin = first + 1, .size = target.size()};
  found_.minor_version = version.back() - '0';
  found_.unusual = method == "QUERY";
  if (target == "*") {
    return method == "OPTIONS" ? 0 : 400;
  }
  return take_target(target, first + 1);
}

int RequestParser::take_target(std::string_view target, std::size_t begin) noexcept {
  static constexpr Part kNone{};
  if (target.front() != '/') {
    std::string_view rest = target;
    for (const std::string_view scheme : {"http://", "https://"}) {
      if (equal_ignoring_case(rest.substr(0, scheme.size()), scheme)) {
        rest.remove_prefix(scheme.size());
        break;
      }
    }
    const std::string_view host = rest.substr(0, rest.find_first_of("/?"));
    if (rest.size() == target.size() || !is_host(host)) {
      return 400;
    }
    found_.absolute = true;  // it goes before the header's (RFC 9112, 3.2.2)
    found_.host = {.begin = begin + target.size() - rest.size(), .size = host.size()};
    rest.remove_prefix(host.size());
    begin += target.size() - rest.size();
    target = rest;
  }
  const std::size_t question = std::min(target.find('?'), target.size());
  found_.path = {.begin = begin, .size = question};
  found_.query = question == target.size()
                     ? kNone
                     : Part{.begin = begin + question + 1, .size = target.size() - question - 1};
  return 0;
}

int RequestParser::take_field(std::string_view line) noexcept {
  if (++found_.fields > limits_.fields) {
    return 431;
  }
  const char* end = line.data();
  while (is_token_char(*end)) {  // the line's CR is none
    ++end;
  }
  const auto colon = static_cast<std::size_t>(end - line.data());
  if (colon == 0 || *end != ':') {
    return 400;  // also if it begins with a blank: it would go on with the line before it
  }
  if (has_control(line, colon + 1)) {
    return 400;
  }
  const std::string_view raw = line.substr(colon + 1);
  const std::string_view name = line.substr(0, colon);
  const auto is = [name](std::string_view other) { return equal_ignoring_case(name, other); };
  switch (name.size()) {
    case 4:
      if (is("host")) {
        const std::string_view value = trim(raw);
        return take_host(value, line_ + static_cast<std::size_t>(value.data() - line.data()));
      }
      break;
    case 6:
      if (is("expect") && found_.minor_version > 0) {
        if (!equal_ignoring_case(trim(raw), "100-continue")) {
          return 417;
        }
        found_.expects_continue = true;
      }
      break;
    case 10:
      if (is("connection")) {
        take_connection(raw);
      }
      break;
    case 14:
      if (is("content-length")) {
        found_.unusual = found_.unusual || raw.contains('\t');
        return take_length(trim(raw));
      }
      break;
    case 17:
      if (is("transfer-encoding")) {
        found_.unusual = found_.unusual || raw.contains('\t');
        return take_transfer_encoding(trim(raw));
      }
      break;
    default:
      break;
  }
  return 0;
}

int RequestParser::take_host(std::string_view value, std::size_t begin) noexcept {
  if (found_.has_host || (!value.empty() && !is_host(value))) {
    return 400;
  }
  found_.has_host = true;
  if (!found_.absolute) {
    found_.host = {.begin = begin, .size = value.size()};
  }
  return 0;
}

int RequestParser::take_length(std::string_view value) noexcept {
  std::uint64_t length = 0;
  const auto [stopped, error] = std::from_chars(value.begin(), value.end(), length);
  if (found_.length || found_.chunked || error != std::errc() || stopped != value.end() ||
      value.size() > kLengthDigits) {  // unsigned: takes no sign
    return 400;
  }
  found_.length = length;
  return 0;
}

// Two lengths, or one that HTTP/1.0 doesn't know: somebody before us may have chosen the other.
int RequestParser::take_transfer_encoding(std::string_view value) noexcept {
  if (found_.length || found_.chunked || found_.minor_version == 0) {
    return 400;
  }
  found_.chunked = true;
  return check_transfer_encoding(value);
}

void RequestParser::take_connection(std::string_view value) noexcept {
  while (!value.empty()) {
    const std::string_view element = value.substr(0, value.find(','));
    value.remove_prefix(std::min(value.size(), element.size() + 1));
    const std::string_view option = trim(element);
    found_.close = found_.close || equal_ignoring_case(option, "close");
    found_.keep_alive = found_.keep_alive || equal_ignoring_case(option, "keep-alive");
  }
}

int RequestParser::conclude(std::string_view head) noexcept {
  if (!found_.has_host && found_.minor_version > 0) {
    return 400;
  }
  const auto part = [head](Part where) { return head.substr(where.begin, where.size); };
  const std::size_t fields =
      found_.target.begin + found_.target.size + std::string_view(" HTTP/1.1\r\n").size();
  request_.method = part(found_.method);
  request_.target = part(found_.target);
  request_.path = part(found_.path);
  if (found_.absolute && request_.path.empty()) {
    request_.path = "/";
  }
  request_.query = part(found_.query);
  request_.host = part(found_.host);
  request_.fields = HeaderFields(head.substr(fields, head.size() - fields - 2));
  request_.minor_version = found_.minor_version;
  request_.keep_alive = !found_.close && (found_.minor_version > 0 || found_.keep_alive);
  request_.has_body = found_.chunked || found_.length.value_or(0) > 0;
  request_.expects_continue = found_.expects_continue && request_.has_body;
  request_.content_length = found_.length;
  if (const int status = check_with_llhttp(head); status != 0) {
    return status;
  }
  if (found_.length.value_or(0) > limits_.body) {
    return 413;
  }
  if (found_.chunked) {
    body_.begin_chunked();
  } else {
    body_.begin_length(found_.length.value_or(0));
  }
  return 0;
}

// It has had years of being attacked. What it refuses although it is legal is written for it in another way.
int RequestParser::check_with_llhttp(std::string_view head) const noexcept {
  llhttp_t llhttp;
  llhttp_init(&llhttp, HTTP_REQUEST, &kPauseAfterHead);
  std::string_view last = head;
  llhttp_errno_t result = HPE_OK;
  if (found_.unusual) {
    const auto feed = [&](std::string_view text) {
      if (result == HPE_OK) {
        result = llhttp_execute(&llhttp, text.data(), text.size());
      }
    };
    feed(request_.method == "QUERY" ? "POST" : request_.method);
    const auto fields = static_cast<std::size_t>(request_.fields.lines().data() - head.data());
    feed(head.substr(request_.method.size(), fields - request_.method.size()));
    for (const auto& [name, value] : request_.fields) {
      feed(name);
      feed(": ");
      feed(value);
      feed("\r\n");
    }
    last = head.substr(head.size() - 2);
  }
  if (result == HPE_OK) {
    result = llhttp_execute(&llhttp, last.data(), last.size());
  }
  // It must see the end of the head where we do, and the same body after it.
  const bool same = result == HPE_PAUSED &&
                    llhttp_get_error_pos(&llhttp) == last.data() + last.size() &&
                    llhttp.http_major == 1 && llhttp.http_minor == found_.minor_version &&
                    llhttp.content_length == found_.length.value_or(0) &&
                    ((llhttp.flags & F_CHUNKED) != 0) == found_.chunked;
  return same ? 0 : 400;
}

RequestParser::Step RequestParser::parse_body(std::string_view input) noexcept {
  const auto [event, consumed, piece] = body_.decode(input);
  switch (event) {
    case BodyDecoder::Event::more:
      return {.event = Event::more, .consumed = consumed};
    case BodyDecoder::Event::body:
      return {.event = Event::body, .consumed = consumed, .body = piece};
    case BodyDecoder::Event::end:
      place_ = Place::ended;
      return {.event = Event::end, .consumed = consumed};
    case BodyDecoder::Event::error:
      break;
  }
  return fail(body_.status());
}

}  // namespace simul::http
