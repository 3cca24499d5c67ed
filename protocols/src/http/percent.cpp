#include "http/percent.hpp"

#include <charconv>
#include <cstdint>

#include "http/characters.hpp"

namespace simul::http {
namespace {

constexpr CharacterSet kUriCharacters([](char c) {
  return is_alphanumeric(c) || std::string_view("-._~:/?#[]@!$&'()*+,;=%").contains(c);
});
constexpr CharacterSet kSegmentCharacters([](char c) {
  return is_alphanumeric(c) || std::string_view("-._~!$&'()*+,;=:@").contains(c);
});

std::string encode(std::string_view text, const CharacterSet& allowed) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (allowed.has(c)) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return encoded;
}

}  // namespace

std::optional<char> decode_escape(std::string_view text) noexcept {
  if (text.size() < 3 || text[0] != '%') {
    return std::nullopt;
  }
  std::uint8_t byte = 0;
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + 3, byte, 16);
  if (error != std::errc() || end != text.data() + 3) {
    return std::nullopt;
  }
  return static_cast<char>(byte);
}

bool percent_decode(std::string_view encoded, std::string& decoded) {
  decoded.clear();
  while (!encoded.empty()) {
    const std::string_view plain = encoded.substr(0, encoded.find('%'));
    decoded += plain;
    encoded.remove_prefix(plain.size());
    if (encoded.empty()) {
      break;
    }
    const std::optional<char> byte = decode_escape(encoded);
    if (!byte) {
      return false;
    }
    decoded += *byte;
    encoded.remove_prefix(3);
  }
  return true;
}

std::string encode_uri(std::string_view text) { return encode(text, kUriCharacters); }
std::string encode_segment(std::string_view text) { return encode(text, kSegmentCharacters); }

}  // namespace simul::http
