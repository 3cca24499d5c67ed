// Network: a range of addresses, as "10.0.0.0/8" says it (CIDR): the peers that may do something.
//
//   auto trusted = Network::parse("10.0.0.0/8");      // "2001:db8::/32"   "127.0.0.1", that one alone
//   if (trusted && trusted->contains(connection.peer())) { ... }
//
// No host names, no netmasks; one range, not a list of them.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include <simul/endpoint.hpp>
#include <simul/export.hpp>

namespace simul {

class SIMUL_EXPORT Network {
 public:
  /// Bits beyond the prefix are an error: "10.1.2.3/8" may have been meant as one address, or as many. The
  /// error says what is wrong and what would be right, as that of Endpoint::parse.
  static std::expected<Network, std::string> parse(std::string_view text);

  /// IPv4 addresses are in IPv4 networks only, also where they come as IPv6 (::ffff:10.0.0.1); ports and
  /// network interfaces don't matter. A Unix socket is in no network.
  [[nodiscard]] bool contains(const Endpoint& endpoint) const noexcept;
  /// The form that parse() takes, always with the prefix.
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const Network& a, const Network& b) noexcept = default;

 private:
  using Address = std::array<std::uint8_t, 16>;
  Network(const Address& address, unsigned bits) noexcept : address_(address), bits_(bits) {}

  Address address_;  // IPv4 as ::ffff:a.b.c.d
  unsigned bits_;    // of these sixteen bytes
};

}  // namespace simul
