// ProxyErrc: what is wrong with a PROXY header, in words for an operator's log.
//
//   auto header = co_await read_proxy_header(peer, ProxyExpectation::required);
//   if (!header && header.error() == ProxyErrc::missing) { ... }       // not through the proxy?
#pragma once

#include <system_error>

#include <simul/export.hpp>

namespace simul {

enum class ProxyErrc {
  missing = 1,  ///< the connection begins with something else
  truncated,    ///< the connection ended in the middle of the header

  // of version 1, a line of text:
  malformed_line,  ///< not as the protocol has it, to the character
  line_too_long,   ///< no end within 107 bytes

  // of version 2:
  version,    ///< neither 1 nor 2
  command,    ///< neither LOCAL nor PROXY
  family,     ///< an address family or a transport that the protocol doesn't have
  too_short,  ///< no room for the addresses
  too_long,   ///< over kProxyHeaderLimit
  tlv,        ///< a TLV that goes beyond the end of the header, or more than 64
  unique_id,  ///< a unique id of more than 128 bytes
  checksum,   ///< not the right one, not one of 32 bits, or more than one
};

[[nodiscard]] SIMUL_EXPORT const std::error_category& proxy_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(ProxyErrc code) noexcept {
  return {static_cast<int>(code), proxy_category()};
}

}  // namespace simul

template <>
struct std::is_error_code_enum<simul::ProxyErrc> : std::true_type {};
