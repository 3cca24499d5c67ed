#include "http/host.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>

#include "http/characters.hpp"

namespace simul::http {
namespace {

constexpr CharacterSet kNameCharacters([](char c) {
  return is_alphanumeric(c) || c == '-' || c == '.' || c == '_';
});

// Of a port that isn't padded with zeros.
constexpr std::size_t kPortDigits = 5;

bool is_ipv6(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> address{};  // ends in a NUL
  in6_addr parsed{};
  if (text.size() >= address.size() || text.contains('\0')) {
    return false;
  }
  text.copy(address.data(), text.size());
  return inet_pton(AF_INET6, address.data(), &parsed) == 1;
}

// An empty one is the default port (RFC 3986, 3.2.3).
bool is_port(std::string_view text) {
  unsigned port = 0;
  return text.empty() ||
         (text.size() <= kPortDigits && std::ranges::all_of(text, is_digit) &&
          std::from_chars(text.begin(), text.end(), port).ec == std::errc() && port <= 65535);
}

}  // namespace

bool is_host(std::string_view text) noexcept {
  std::size_t end = 0;  // of the name or address
  if (text.starts_with('[')) {
    end = text.find(']');
    if (end == std::string_view::npos || !is_ipv6(text.substr(1, end - 1))) {
      return false;
    }
    ++end;
  } else {
    while (end < text.size() && kNameCharacters.has(text[end])) {
      ++end;
    }
    if (end == 0) {
      return false;
    }
  }
  return end == text.size() || (text[end] == ':' && is_port(text.substr(end + 1)));
}

}  // namespace simul::http
