#include "encoding.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "limits.hpp"
#include "utf8.hpp"

namespace simul::config {
namespace {

std::string hexadecimal(char32_t value, std::size_t digits) {
  std::string text(digits, '0');
  for (std::size_t i = digits; i > 0; --i, value >>= 4)
    text[i - 1] = "0123456789ABCDEF"[value & 0xF];
  return text;
}

/// What is wrong with the character at the front of `text`; empty if nothing is.
std::string problem(const Character& character, std::string_view text) {
  if (!character.valid) {
    return "byte 0x" + hexadecimal(static_cast<unsigned char>(text[0]), 2) + " is not valid UTF-8";
  }
  const char32_t code_point = character.code_point;
  if (code_point == '\r' && !text.starts_with("\r\n")) {
    return "a carriage return without a line feed";
  }
  if (is_control(code_point) && code_point != '\t' && code_point != '\n' && code_point != '\r') {
    return "control character U+" + hexadecimal(code_point, 4);
  }
  if (code_point == 0xFEFF) return "a byte order mark inside the file";
  return {};
}

}  // namespace

bool check_encoding(const Source& source, Report& report) {
  const std::string_view text = source.text();
  if (text.size() > kMaxFileSize) {
    report.add(0, "the file is too large", "at most 1 MiB");
    return false;
  }
  for (std::size_t offset = 0; offset < text.size();) {
    const Character character = decode(text.substr(offset));
    if (std::string message = problem(character, text.substr(offset)); !message.empty()) {
      report.add(offset, std::move(message), "UTF-8 text");
      return false;
    }
    offset += character.length;
  }
  return true;
}

}  // namespace simul::config
