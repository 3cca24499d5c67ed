#include "http/decode_path.hpp"

#include <charconv>
#include <cstdint>

namespace simul::http {

bool decode_path(std::string_view encoded, std::string& decoded) {
  decoded.clear();
  while (!encoded.empty()) {
    const std::string_view plain = encoded.substr(0, encoded.find('%'));
    decoded += plain;
    encoded.remove_prefix(plain.size());
    if (encoded.empty()) {
      break;
    }
    const std::string_view digits = encoded.substr(1, 2);
    std::uint8_t byte = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2 || byte == '/' ||
        byte == '\0') {
      return false;
    }
    decoded += static_cast<char>(byte);
    encoded.remove_prefix(3);
  }
  return true;
}

}  // namespace simul::http
