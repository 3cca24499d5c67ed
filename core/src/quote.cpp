#include <simul/quote.hpp>

#include <cstddef>

namespace simul {
namespace {

constexpr std::size_t kLongest = 60;

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

std::string quote(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const bool cut = text.size() > kLongest;
  if (cut) {
    std::size_t length = kLongest;
    while (length > 0 && is_continuation(text[length]))
      --length;
    text = text.substr(0, length);
  }
  std::string result = "'";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      result += "\\n";
    } else if (c == '\t') {
      result += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      result += "\\x";
      result += kHex[byte >> 4];
      result += kHex[byte & 0xF];
    } else {
      result += c;
    }
  }
  result += cut ? "...'" : "'";
  return result;
}

}  // namespace simul
