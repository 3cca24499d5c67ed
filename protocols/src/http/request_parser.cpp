#include "http/request_parser.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace simul::http {
namespace {

// What the request line may hold besides its target: a method and a version.
constexpr std::size_t kMethodAndVersion = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Of a host, a port and an IPv6 address. No slash, no blank, no `@`.
constexpr CharacterSet kHostCharacters("-._~%!$&'()*+,;=:[]");

bool is_host(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return kHostCharacters.has(c); });
}

std::optional<std::uint64_t> parse_length(std::string_view text) {
  std::uint64_t length = 0;
  const auto [stopped, error] = std::from_chars(text.begin(), text.end(), length);
  if (error != std::errc() || stopped != text.end()) {  // unsigned: takes no sign
    return std::nullopt;
  }
  return length;
}

struct RequestLine {
  std::string_view method;
  std::string_view target;
  std::string_view version;
};

RequestLine split_request_line(std::string_view line) {
  const std::size_t first = std::min(line.find(' '), line.size());
  const std::size_t second = std::min(line.find(' ', first + 1), line.size());
  return {.method = line.substr(0, first),
          .target = line.substr(std::min(first + 1, second), second - std::min(first + 1, second)),
          .version = line.substr(std::min(second + 1, line.size()))};
}

// The status to refuse the line with, or 0.
int check_request_line(std::string_view line) {
  const auto [method, target, version] = split_request_line(line);
  if (!is_token(method) || target.empty() || version.size() != 8 || !version.starts_with("HTTP/") ||
      !is_digit(version[5]) || version[6] != '.' || !is_digit(version[7])) {
    return 400;
  }
  return version[5] == '1' && version[7] <= '1' ? 0 : 505;
}

}  // namespace

struct RequestParser::Callbacks {
  static RequestParser& self(llhttp_t* llhttp) {
    return *static_cast<RequestParser*>(llhttp->data);
  }

  static int pause(llhttp_t*) { return HPE_PAUSED; }
  static int on_chunk_header(llhttp_t* llhttp) {
    RequestParser& parser = self(llhttp);
    if (llhttp->content_length > parser.limits_.body - parser.body_size_) {
      parser.status_ = 413;
      return HPE_USER;
    }
    parser.body_size_ += llhttp->content_length;
    return 0;
  }
  static int on_extra(llhttp_t* llhttp, const char*, std::size_t size) {
    return self(llhttp).count_extra(size);
  }
  // Counts the lines, too, for a name and a value may be empty.
  static int on_extra_line(llhttp_t* llhttp) { return self(llhttp).count_extra(2); }

  static constexpr llhttp_settings_t kHead = {.on_headers_complete = pause};
  static constexpr llhttp_settings_t kBody = {
      .on_header_field = on_extra,
      .on_header_value = on_extra,
      .on_chunk_extension_name = on_extra,
      .on_chunk_extension_value = on_extra,
      .on_message_complete = pause,
      .on_header_field_complete = on_extra_line,
      .on_chunk_header = on_chunk_header,
  };
};

// Nobody needs much of that.
int RequestParser::count_extra(std::size_t bytes) noexcept {
  extra_size_ += bytes;
  return extra_size_ > limits_.head ? HPE_USER : 0;
}

RequestParser::Step RequestParser::fail(int status) noexcept {
  status_ = status;
  place_ = Place::failed;
  return {.event = Event::error, .consumed = 0};
}

RequestParser::Step RequestParser::parse(std::string_view input) {
  switch (place_) {
    case Place::head:
      return parse_head(input);
    case Place::body:
      return parse_body(input);
    case Place::end:
      place_ = Place::head;
      partial_.clear();
      begin_ = line_ = seen_ = lines_ = 0;
      return {.event = Event::end, .consumed = 0};
    case Place::failed:
      break;
  }
  return {.event = Event::error, .consumed = 0};
}

RequestParser::Step RequestParser::parse_head(std::string_view input) {
  const std::size_t before = partial_.size();
  std::string_view text = input;
  if (before != 0) {
    text = partial_.append(input);
  }
  switch (scan(text)) {
    case Scan::failed:
      return {.event = Event::error, .consumed = 0};
    case Scan::incomplete:
      if (before == 0) {
        partial_ = text.substr(begin_);
      } else {
        partial_.erase(0, begin_);
      }
      line_ -= begin_;
      seen_ -= begin_;
      begin_ = 0;
      return {.event = Event::more, .consumed = input.size()};
    case Scan::complete:
      break;
  }
  if (const int status = understand(text.substr(begin_, end_ - begin_)); status != 0) {
    return fail(status);
  }
  place_ = request_.has_body ? Place::body : Place::end;
  return {.event = Event::head, .consumed = end_ - before};
}

RequestParser::Scan RequestParser::scan_failed(int status) noexcept {
  fail(status);
  return Scan::failed;
}

// Finds the end of the head, and makes sure that everybody would find it there: each line ends in
// CRLF and none contains another CR or LF, or continues the one before it.
RequestParser::Scan RequestParser::scan(std::string_view text) noexcept {
  for (;;) {
    const bool request_line = line_ == begin_;
    if (request_line && begin_ < text.size()) {
      // Tells what isn't HTTP (a TLS handshake, say) at its first byte, which need not be followed by
      // a line's end.
      const bool empty_line =
          text[begin_] == '\r' && (begin_ + 1 == text.size() || text[begin_ + 1] == '\n');
      if (!is_token_char(text[begin_]) && !empty_line) {
        return scan_failed(400);
      }
    }
    const std::size_t newline = text.find('\n', seen_);
    const bool incomplete = newline == std::string_view::npos;
    const std::size_t size = (incomplete ? text.size() : newline + 1) - begin_;
    if (request_line && size > limits_.target + kMethodAndVersion) {
      return scan_failed(414);
    }
    if (size > limits_.head) {
      return scan_failed(431);
    }
    if (incomplete) {
      seen_ = text.size();
      return Scan::incomplete;
    }
    const std::string_view line = text.substr(line_, newline - line_);
    if (line.empty() || line.find('\r') != line.size() - 1) {
      return scan_failed(400);
    }
    seen_ = newline + 1;
    if (line.size() == 1) {
      if (!request_line) {
        end_ = seen_;
        return Scan::complete;
      }
      begin_ = line_ = seen_;  // some clients send an empty line after a body (RFC 9112, 2.2)
      continue;
    }
    if (request_line) {
      // At once, for a client that doesn't speak HTTP may never come to the end of a head.
      if (const int status = check_request_line(line.substr(0, line.size() - 1)); status != 0) {
        return scan_failed(status);
      }
    } else if (line.front() == ' ' || line.front() == '\t') {
      return scan_failed(400);
    }
    if (++lines_ > kMaxFields + 1) {
      return scan_failed(431);
    }
    line_ = seen_;
  }
}

// Takes apart what scan() has found. This and the functions below give the status to fail with, or 0.
int RequestParser::understand(std::string_view head) {
  const std::size_t line_end = head.find('\r');
  const auto [method, target, version] = split_request_line(head.substr(0, line_end));
  request_ = {.method = method,
              .target = target,
              .fields = head.substr(line_end + 2, head.size() - line_end - 4),
              .minor_version = version.back() - '0'};
  if (const int status = check_with_llhttp(head); status != 0) {
    return status;
  }
  if (request_.target.size() > limits_.target) {
    return 414;
  }
  if (const int status = understand_fields(); status != 0) {
    return status;
  }
  return understand_target();
}

int RequestParser::check_with_llhttp(std::string_view head) {
  llhttp_init(&llhttp_, HTTP_REQUEST, &Callbacks::kHead);
  llhttp_.data = this;
  switch (llhttp_execute(&llhttp_, head.data(), head.size())) {
    case HPE_PAUSED:
      break;
    case HPE_INVALID_METHOD:    // one that it doesn't know
    case HPE_INVALID_CONSTANT:  // one of other protocols that it knows
      return 501;
    default:
      return 400;
  }
  if (llhttp_get_error_pos(&llhttp_) != head.data() + head.size()) {
    return 400;  // it sees the end of the head elsewhere
  }
  // A tunnel: what follows would not be HTTP.
  return llhttp_.method == HTTP_CONNECT ? 501 : 0;
}

int RequestParser::understand_fields() {
  std::size_t hosts = 0;
  std::optional<std::uint64_t> length;
  std::optional<std::string_view> transfer_encoding;
  bool close = false;
  bool keep_alive = false;
  for (std::string_view rest = request_.fields; !rest.empty();) {
    const auto [name, value] = take_field(rest);
    if (!is_token(name)) {
      return 400;
    }
    if (equal_ignoring_case(name, "host")) {
      if (++hosts > 1 || !is_host(value)) {
        return 400;
      }
      request_.host = value;
    } else if (equal_ignoring_case(name, "content-length")) {
      if (length) {
        return 400;
      }
      length = parse_length(value);
      if (!length) {
        return 400;
      }
    } else if (equal_ignoring_case(name, "transfer-encoding")) {
      if (transfer_encoding) {
        return 400;
      }
      transfer_encoding = value;
    } else if (equal_ignoring_case(name, "connection")) {
      for (std::string_view list = value; !list.empty();) {
        const std::string_view option = list.substr(0, list.find(','));
        list.remove_prefix(std::min(list.size(), option.size() + 1));
        close = close || equal_ignoring_case(trim(option), "close");
        keep_alive = keep_alive || equal_ignoring_case(trim(option), "keep-alive");
      }
    } else if (equal_ignoring_case(name, "expect") && request_.minor_version > 0) {
      if (!equal_ignoring_case(value, "100-continue")) {
        return 417;
      }
      request_.expects_continue = true;
    }
  }
  if (hosts == 0 && request_.minor_version > 0) {
    return 400;
  }
  if (transfer_encoding) {
    // Two lengths, or one that HTTP/1.0 doesn't know: somebody before us may have chosen the other.
    if (length || request_.minor_version == 0) {
      return 400;
    }
    if (!equal_ignoring_case(*transfer_encoding, "chunked")) {
      return 501;
    }
  }
  if (length.value_or(0) > limits_.body) {
    return 413;
  }
  request_.has_body = transfer_encoding || length.value_or(0) > 0;
  request_.expects_continue = request_.expects_continue && request_.has_body;
  request_.keep_alive = !close && (request_.minor_version > 0 || keep_alive);

  const bool chunked = (llhttp_.flags & F_CHUNKED) != 0;
  if (llhttp_.content_length != length.value_or(0) || chunked != transfer_encoding.has_value()) {
    return 400;  // it sees another body than we do
  }
  return 0;
}

int RequestParser::understand_target() {
  std::string_view rest = request_.target;
  if (rest.contains('#')) {
    return 400;
  }
  if (rest == "*") {
    return request_.method == "OPTIONS" ? 0 : 400;
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (equal_ignoring_case(rest.substr(0, scheme.size()), scheme)) {
      rest.remove_prefix(scheme.size());
      const std::string_view host = rest.substr(0, rest.find_first_of("/?"));
      if (host.empty() || !is_host(host)) {
        return 400;
      }
      request_.host = host;  // it goes before the header's (RFC 9112, 3.2.2)
      rest.remove_prefix(host.size());
      if (rest.empty() || rest.front() == '?') {
        request_.path = "/";
        request_.query = rest.empty() ? rest : rest.substr(1);
        return 0;
      }
      break;
    }
  }
  if (!rest.starts_with('/')) {
    return 400;
  }
  const std::size_t question = std::min(rest.find('?'), rest.size());
  request_.path = rest.substr(0, question);
  request_.query = rest.substr(std::min(question + 1, rest.size()));
  return 0;
}

RequestParser::Step RequestParser::parse_body(std::string_view input) {
  if (input.empty()) {
    return {.event = Event::more, .consumed = 0};
  }
  if (llhttp_.settings != &Callbacks::kBody) {  // it still stands at the end of the head
    llhttp_.settings = const_cast<llhttp_settings_t*>(&Callbacks::kBody);
    llhttp_.upgrade = 0;  // to another protocol: we don't
    llhttp_resume(&llhttp_);
    body_size_ = 0;
    extra_size_ = 0;
    // The views into the head end here.
    request_ = {};
    partial_ = {};
  }
  switch (llhttp_execute(&llhttp_, input.data(), input.size())) {
    case HPE_OK:
      return {.event = Event::more, .consumed = input.size()};
    case HPE_PAUSED:
      place_ = Place::end;
      break;
    default:
      return fail(status_ != 0 ? status_ : 400);
  }
  const auto consumed = static_cast<std::size_t>(llhttp_get_error_pos(&llhttp_) - input.data());
  const Step end = parse({});
  return {.event = end.event, .consumed = consumed};
}

}  // namespace simul::http
