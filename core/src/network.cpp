#include <simul/network.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <system_error>

#include <simul/quote.hpp>

#include "ip_address.hpp"

namespace simul {
namespace {

using detail::IpAddress;
using Family = Endpoint::Family;

constexpr std::string_view kForms = "expected 10.0.0.0/8, 2001:db8::/32 or one address";
constexpr unsigned kBits = 128;
constexpr unsigned kIpv4Bits = 32;

IpAddress first_bits(IpAddress address, unsigned bits) {
  for (std::uint8_t& byte : address) {
    const unsigned kept = std::min(bits, 8U);
    byte &= static_cast<std::uint8_t>(0xff00U >> kept);
    bits -= kept;
  }
  return address;
}

}  // namespace

std::expected<Network, std::string> Network::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  const Family family = host.contains(':') ? Family::ipv6 : Family::ipv4;
  const std::optional<IpAddress> address = detail::parse_ip_address(host, family);
  if (!address) {
    return std::unexpected(quote(host) + " is not an IP address; " + std::string(kForms));
  }
  const unsigned most = family == Family::ipv4 ? kIpv4Bits : kBits;
  unsigned prefix = most;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    if (digits.empty() || error == std::errc::invalid_argument ||
        end != digits.data() + digits.size()) {
      return std::unexpected("the prefix is not a number; " + std::string(kForms));
    }
    if (error != std::errc() || prefix > most) {
      return std::unexpected("the prefix of an IPv" + std::string(most == kBits ? "6" : "4") +
                             " network is at most " + std::to_string(most));
    }
  }
  const Network network(first_bits(*address, prefix + kBits - most), prefix + kBits - most);
  if (network.address_ != *address) {
    return std::unexpected("the address has bits beyond its prefix; the network is " +
                           network.to_string());
  }
  return network;
}

bool Network::contains(const Endpoint& endpoint) const noexcept {
  if (!detail::is_ip(endpoint.family())) {
    return false;
  }
  const IpAddress address = detail::to_ip_address(endpoint);
  return detail::is_ipv4(address) == detail::is_ipv4(address_) &&
         first_bits(address, bits_) == address_;
}

std::string Network::to_string() const {
  const bool ipv4 = detail::is_ipv4(address_);
  return detail::to_string(address_, ipv4 ? Family::ipv4 : Family::ipv6) + '/' +
         std::to_string(ipv4 ? bits_ - (kBits - kIpv4Bits) : bits_);
}

}  // namespace simul
