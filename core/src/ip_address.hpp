// IpAddress: an address of either family as sixteen bytes, an IPv4 one as ::ffff:a.b.c.d, so that whoever
// compares, parses or writes addresses has one case and not two.
//
//   auto address = parse_ip_address("10.0.0.1", Endpoint::Family::ipv4);
//   Endpoint there = to_endpoint(*address, 7000);
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <simul/endpoint.hpp>

namespace simul::detail {

using IpAddress = std::array<std::uint8_t, 16>;  // in network byte order

/// Also of an IPv6 address that stands for an IPv4 one.
[[nodiscard]] bool is_ipv4(const IpAddress& address) noexcept;
[[nodiscard]] bool is_ip(Endpoint::Family family) noexcept;

[[nodiscard]] IpAddress to_ip_address(std::array<std::uint8_t, 4> ipv4) noexcept;
/// Of an endpoint that is_ip().
[[nodiscard]] IpAddress to_ip_address(const Endpoint& endpoint) noexcept;
/// As inet_pton; `family` is_ip().
[[nodiscard]] std::optional<IpAddress> parse_ip_address(std::string_view text,
                                                        Endpoint::Family family);
/// As inet_ntop, which can say an IPv4 address in both families.
[[nodiscard]] std::string to_string(const IpAddress& address, Endpoint::Family family);
[[nodiscard]] Endpoint to_endpoint(const IpAddress& address, std::uint16_t port);

}  // namespace simul::detail
