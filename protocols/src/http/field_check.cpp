#include "http/field_check.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <stdexcept>

#include <simul/quote.hpp>

#include "http/characters.hpp"

namespace simul::http {
namespace {

constexpr std::array<std::string_view, 7> kOfTheConnection = {
    "connection", "content-length",    "date",   "keep-alive",
    "trailer",    "transfer-encoding", "upgrade"};

// They say how the message is to be understood, which has happened by then.
constexpr std::array<std::string_view, 10> kNotInTrailers = {
    "host",          "content-encoding", "content-type", "content-range", "cache-control",
    "authorization", "set-cookie",       "location",     "vary",          "age"};

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::any_of(
      names, [&](std::string_view other) { return equal_ignoring_case(name, other); });
}

}  // namespace

bool is_field_value(std::string_view value) noexcept { return !has_control(value, 0); }

void require_response_field(std::string_view name, std::string_view value) {
  if (!is_token(name)) {
    throw std::invalid_argument("no name of a header field: " + quote(name));
  }
  if (!is_field_value(value)) {
    throw std::invalid_argument("no value of a header field: " + quote(value));
  }
  if (is_one_of(name, kOfTheConnection)) {
    throw std::invalid_argument("the field " + quote(name) + " belongs to the connection");
  }
}

void require_trailer_field(std::string_view name, std::string_view value) {
  require_response_field(name, value);
  if (is_one_of(name, kNotInTrailers)) {
    throw std::invalid_argument("the field " + quote(name) + " can't come after the body");
  }
}

}  // namespace simul::http
