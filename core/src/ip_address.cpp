#include "ip_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>

namespace simul::detail {
namespace {

constexpr std::array<std::uint8_t, 12> kIpv4Mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

bool is_ipv4(const IpAddress& address) noexcept {
  return std::ranges::equal(std::span(address).first<12>(), kIpv4Mapped);
}

bool is_ip(Endpoint::Family family) noexcept {
  return family == Endpoint::Family::ipv4 || family == Endpoint::Family::ipv6;
}

IpAddress to_ip_address(std::array<std::uint8_t, 4> ipv4) noexcept {
  IpAddress address{};
  std::ranges::copy(kIpv4Mapped, address.begin());
  std::ranges::copy(ipv4, address.begin() + kIpv4Mapped.size());
  return address;
}

IpAddress to_ip_address(const Endpoint& endpoint) noexcept {
  sockaddr_storage storage;
  endpoint.to_sockaddr(storage);
  if (endpoint.family() == Endpoint::Family::ipv4) {
    sockaddr_in in{};
    std::memcpy(&in, &storage, sizeof in);
    return to_ip_address(std::bit_cast<std::array<std::uint8_t, 4>>(in.sin_addr));
  }
  sockaddr_in6 in6{};
  std::memcpy(&in6, &storage, sizeof in6);
  return std::bit_cast<IpAddress>(in6.sin6_addr);
}

std::optional<IpAddress> parse_ip_address(std::string_view text, Endpoint::Family family) {
  if (text.contains('\0')) {
    return std::nullopt;  // inet_pton would see a part of it
  }
  const std::string terminated(text);
  if (family == Endpoint::Family::ipv4) {
    std::array<std::uint8_t, 4> ipv4{};
    if (inet_pton(AF_INET, terminated.c_str(), ipv4.data()) != 1) {
      return std::nullopt;
    }
    return to_ip_address(ipv4);
  }
  IpAddress address{};
  if (inet_pton(AF_INET6, terminated.c_str(), address.data()) != 1) {
    return std::nullopt;
  }
  return address;
}

std::string to_string(const IpAddress& address, Endpoint::Family family) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (family == Endpoint::Family::ipv4) {
    inet_ntop(AF_INET, address.data() + kIpv4Mapped.size(), text.data(), text.size());
  } else {
    inet_ntop(AF_INET6, address.data(), text.data(), text.size());
  }
  return text.data();
}

Endpoint to_endpoint(const IpAddress& address, std::uint16_t port) {
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(port);
  std::memcpy(&in6.sin6_addr, address.data(), address.size());
  sockaddr_storage storage{};
  std::memcpy(&storage, &in6, sizeof in6);
  return Endpoint::from_sockaddr(storage, sizeof in6);  // which makes a mapped one IPv4
}

}  // namespace simul::detail
