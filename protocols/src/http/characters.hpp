// The character classes of HTTP's grammar, and comparison without regard to case: in ASCII, whatever
// the locale of the process is.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace simul::http {

constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

constexpr bool is_alphanumeric(char c) noexcept {
  return (c >= '0' && c <= '9') || (to_lower(c) >= 'a' && to_lower(c) <= 'z');
}

/// A set of characters: the letters, the digits and `others`.
class CharacterSet {
 public:
  explicit constexpr CharacterSet(std::string_view others) noexcept {
    for (std::size_t i = 0; i < has_.size(); ++i) {
      const char c = static_cast<char>(i);
      has_[i] = is_alphanumeric(c) || others.contains(c);
    }
  }
  [[nodiscard]] constexpr bool has(char c) const noexcept {
    return has_[static_cast<unsigned char>(c)];
  }

 private:
  std::array<bool, 256> has_{};
};

/// Of a token: a method, a field name, an option of Connection.
inline constexpr CharacterSet kTokenCharacters("!#$%&'*+-.^_`|~");

constexpr bool is_token_char(char c) noexcept { return kTokenCharacters.has(c); }

constexpr bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() &&
         std::ranges::equal(a, b, [](char x, char y) { return to_lower(x) == to_lower(y); });
}

/// Without the blanks and tabs around it.
constexpr std::string_view trim(std::string_view text) noexcept {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

}  // namespace simul::http
