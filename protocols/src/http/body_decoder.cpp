#include "http/body_decoder.hpp"

#include <algorithm>

#include "http/characters.hpp"

namespace simul::http {
namespace {

constexpr std::array<std::string_view, 26> kForbiddenTrailers = {
    // framing and the connection
    "content-length", "transfer-encoding", "trailer", "te", "connection", "keep-alive",
    "proxy-connection", "upgrade",
    // routing
    "host",
    // what the request means
    "cache-control", "expect", "max-forwards", "pragma", "range", "if-match", "if-none-match",
    "if-modified-since", "if-unmodified-since", "if-range",
    // who asks
    "authorization", "proxy-authorization", "cookie",
    // how the body is to be read
    "content-encoding", "content-type", "content-range", "http2-settings"};

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

int digit_of(char c) {
  if (is_digit(c)) {
    return c - '0';
  }
  c = to_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

void BodyDecoder::begin_length(std::uint64_t length) noexcept {
  left_ = length;
  chunked_ = false;
  place_ = Place::length;
}

void BodyDecoder::begin_chunked() noexcept {
  left_ = size_ = 0;
  extension_size_ = trailer_size_ = trailer_count_ = 0;
  digits_ = 0;
  chunked_ = true;
  place_ = Place::size;
}

std::optional<std::uint64_t> BodyDecoder::left() const noexcept {
  return chunked_ ? std::nullopt : std::optional(left_);
}

BodyDecoder::Step BodyDecoder::fail(int status) noexcept {
  status_ = status;
  place_ = Place::failed;
  return {.event = Event::error};
}

BodyDecoder::Step BodyDecoder::decode(std::string_view input) noexcept {
  for (std::size_t at = 0;;) {
    if (place_ == Place::failed) {
      return {.event = Event::error};
    }
    if (place_ == Place::end || (place_ == Place::length && left_ == 0)) {
      place_ = Place::end;
      return {.event = Event::end, .consumed = at};
    }
    if (at == input.size()) {
      return {.event = Event::more, .consumed = at};
    }
    if (place_ == Place::length || place_ == Place::data) {
      const std::string_view piece =
          input.substr(at, std::min<std::uint64_t>(left_, input.size() - at));
      left_ -= piece.size();
      if (left_ == 0 && place_ == Place::data) {
        place_ = Place::data_cr;
      }
      return {.event = Event::body, .consumed = at + piece.size(), .body = piece};
    }
    if (const int status = take_framing(input[at]); status != 0) {
      return fail(status);
    }
    ++at;
  }
}

// This and the functions below give the status to fail with, or 0.
int BodyDecoder::take_framing(char c) noexcept {
  switch (place_) {
    case Place::size:
      return take_size(c);
    case Place::size_lf:
      return c == '\n' ? end_of_size() : 400;
    case Place::data_cr:
      place_ = Place::data_lf;
      return c == '\r' ? 0 : 400;
    case Place::data_lf:
      place_ = Place::size;
      return c == '\n' ? 0 : 400;
    case Place::trailer:
    case Place::trailer_name:
    case Place::trailer_value:
    case Place::trailer_lf:
    case Place::last_lf:
      return take_trailer(c);
    default:
      return take_extension(c);
  }
}

int BodyDecoder::take_size(char c) noexcept {
  if (const int digit = digit_of(c); digit >= 0) {
    left_ = left_ << 4 | static_cast<unsigned>(digit);
    return ++digits_ <= kMaxSizeDigits ? 0 : 400;
  }
  if (digits_ == 0) {
    return 400;
  }
  place_ = Place::after_size;
  return take_extension(c);
}

int BodyDecoder::end_of_size() noexcept {
  if (left_ > limits_.body - size_) {
    return 413;
  }
  size_ += left_;
  digits_ = 0;
  place_ = left_ == 0 ? Place::trailer : Place::data;
  return 0;
}

// Blanks are allowed before and after the semicolon and the equals sign, but not before the line's end.
int BodyDecoder::take_extension(char c) noexcept {
  if (c != '\r' && ++extension_size_ > kMaxExtensionBytes) {
    return 413;
  }
  switch (place_) {
    case Place::extension:
      if (is_blank(c)) {
        return 0;
      }
      place_ = Place::extension_name;
      return is_token_char(c) ? 0 : 400;
    case Place::extension_name:
      if (is_token_char(c)) {
        return 0;
      }
      if (c == '=') {
        place_ = Place::value;
        return 0;
      }
      return end_of_extension(c, Place::after_name);
    case Place::after_name:
      if (c == '=') {
        place_ = Place::value;
        return 0;
      }
      return c == '\r' ? 400 : end_of_extension(c, Place::after_name);
    case Place::value:
      if (is_blank(c)) {
        return 0;
      }
      place_ = c == '"' ? Place::quoted : Place::token;
      return c == '"' || is_token_char(c) ? 0 : 400;
    case Place::token:
      return is_token_char(c) ? 0 : end_of_extension(c, Place::before_extension);
    case Place::quoted:
      place_ = c == '"' ? Place::after_quoted : c == '\\' ? Place::escaped : Place::quoted;
      return is_control(c) ? 400 : 0;
    case Place::escaped:
      place_ = Place::quoted;
      return is_control(c) ? 400 : 0;
    case Place::before_extension:
      return c == '\r' ? 400 : end_of_extension(c, Place::before_extension);
    default:  // after a size, or a quoted value
      return end_of_extension(c, Place::before_extension);
  }
}

int BodyDecoder::end_of_extension(char c, Place after_blank) noexcept {
  if (c == ';') {
    place_ = Place::extension;
  } else if (c == '\r') {
    place_ = Place::size_lf;
  } else if (is_blank(c)) {
    place_ = after_blank;
  } else {
    return 400;
  }
  return 0;
}

int BodyDecoder::take_trailer(char c) noexcept {
  if (++trailer_size_ > limits_.head) {
    return 431;
  }
  switch (place_) {
    case Place::trailer:
      if (c == '\r') {
        place_ = Place::last_lf;
        return 0;
      }
      if (++trailer_count_ > limits_.fields) {
        return 431;
      }
      name_size_ = 0;
      place_ = Place::trailer_name;
      return is_token_char(c) ? take_trailer_name(c) : 400;  // a blank, too: a line that goes on
    case Place::trailer_name:
      return take_trailer_name(c);
    case Place::trailer_value:
      if (c == '\r') {
        place_ = Place::trailer_lf;
        return 0;
      }
      return is_control(c) ? 400 : 0;
    case Place::trailer_lf:
      place_ = Place::trailer;
      return c == '\n' ? 0 : 400;
    default:
      place_ = Place::end;
      return c == '\n' ? 0 : 400;
  }
}

int BodyDecoder::take_trailer_name(char c) noexcept {
  if (c == ':') {
    place_ = Place::trailer_value;
    const std::string_view name(name_.data(), name_size_);
    return std::ranges::count(kForbiddenTrailers, name) == 0 ? 0 : 400;
  }
  if (name_size_ < name_.size()) {
    name_[name_size_++] = to_lower(c);
  }
  return is_token_char(c) ? 0 : 400;
}

}  // namespace simul::http
