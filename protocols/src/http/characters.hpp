// The character classes of HTTP's grammar, and comparison without regard to case: in ASCII, whatever
// the locale of the process is.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace simul::http {

constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

constexpr bool is_alphanumeric(char c) noexcept {
  return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z');
}

/// What may not stand in a field's value: all control characters but the tab. Bytes that are not ASCII may.
constexpr bool is_control(char c) noexcept {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

/// A set of characters: those for which `belongs` is true.
class CharacterSet {
 public:
  template <typename Predicate>
  explicit constexpr CharacterSet(Predicate belongs) noexcept {
    for (std::size_t i = 0; i < has_.size(); ++i) {
      has_[i] = belongs(static_cast<char>(i));
    }
  }
  [[nodiscard]] constexpr bool has(char c) const noexcept {
    return has_[static_cast<unsigned char>(c)];
  }
  [[nodiscard]] constexpr bool has_all(std::string_view text) const noexcept {
    return std::ranges::all_of(text, [this](char c) { return has(c); });
  }

 private:
  std::array<bool, 256> has_{};
};

/// Of a token: a method, a field name, an option of Connection.
inline constexpr CharacterSet kTokenCharacters([](char c) {
  return is_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").contains(c);
});

constexpr bool is_token_char(char c) noexcept { return kTokenCharacters.has(c); }

constexpr bool is_token(std::string_view text) noexcept {
  return !text.empty() && kTokenCharacters.has_all(text);
}

constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() &&
         std::ranges::equal(a, b, [](char x, char y) { return to_lower(x) == to_lower(y); });
}

/// Without the blanks and tabs around it.
constexpr std::string_view trim(std::string_view text) noexcept {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_blank(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

/// Is there a control character in `text` from `from` on? What stands before may not have any: it is looked at
/// again, so that sixteen bytes can be compared at once. Values are the longest part of a head.
inline bool has_control(std::string_view text, std::size_t from) noexcept {
  using Bytes [[gnu::vector_size(16)]] = unsigned char;
  using Halves [[gnu::vector_size(16)]] = std::uint64_t;
  if (text.size() < sizeof(Bytes)) {
    return std::ranges::any_of(text.substr(from), is_control);
  }
  Bytes found{};
  std::size_t at = text.size();
  do {
    at = at >= sizeof(Bytes) ? at - sizeof(Bytes) : 0;
    Bytes bytes;
    std::memcpy(&bytes, text.data() + at, sizeof(Bytes));
    found |= Bytes(((bytes < 0x20) & (bytes != '\t')) | (bytes == 0x7f));
  } while (at > from);
  const auto halves = Halves(found);
  return (halves[0] | halves[1]) != 0;
}

}  // namespace simul::http
