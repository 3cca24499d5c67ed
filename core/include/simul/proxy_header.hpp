// The PROXY protocol, versions 1 and 2: the first bytes of a connection, in which a load balancer says for whom
// it has opened it (haproxy.org/download/2.9/doc/proxy-protocol.txt).
//
//   auto header = co_await read_proxy_header(peer, ProxyExpectation::required);
//   if (!header) { ... }                                          // header.error() says why
//   const Endpoint& client = (**header).source;
//
// Whoever may write a header may claim any address: read one from trusted peers only (Network), or over a
// connection that nobody else can open. Datagrams are not supported.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <simul/chunk.hpp>
#include <simul/coro.hpp>
#include <simul/endpoint.hpp>
#include <simul/export.hpp>
#include <simul/proxy_error.hpp>
#include <simul/stream.hpp>

namespace simul {

/// What version 2 may say besides the addresses: a type, and bytes that mean what the type says.
struct ProxyTlv {
  static constexpr std::uint8_t kAlpn = 0x01;
  static constexpr std::uint8_t kAuthority = 0x02;  ///< the host that the client asked for (SNI)
  static constexpr std::uint8_t kCrc32c = 0x03;
  static constexpr std::uint8_t kNoop = 0x04;
  static constexpr std::uint8_t kUniqueId = 0x05;
  static constexpr std::uint8_t kSsl = 0x20;
  static constexpr std::uint8_t kNetns = 0x30;
  static constexpr std::uint8_t kFirstCustom = 0xE0;  ///< up to kLastCustom: whatever you agree on
  static constexpr std::uint8_t kLastCustom = 0xEF;

  std::uint8_t type = 0;
  std::string value{};

  friend bool operator==(const ProxyTlv& a, const ProxyTlv& b) = default;
};

struct ProxyHeader {
  /// The proxy's own connection, a health check for instance: it has no source, no destination, no TLVs.
  bool local = false;
  /// Family::unspecified if the header doesn't say: then the connection's own addresses count. An abstract
  /// Unix path begins with a NUL; one without a name is empty. An IPv4 address within IPv6 is IPv4.
  Endpoint source{};
  Endpoint destination{};
  /// All but kNoop and kCrc32c, which has been verified.
  std::vector<ProxyTlv> tlvs{};

  /// The value of the first TLV of this type, or null.
  [[nodiscard]] SIMUL_EXPORT const std::string* find(std::uint8_t type) const noexcept;

  friend bool operator==(const ProxyHeader& a, const ProxyHeader& b) = default;
};

/// A longer header is refused, so that no peer makes a server hold more: 16 KiB.
inline constexpr std::size_t kProxyHeaderLimit = Chunk::kCapacity;

struct ParsedProxyHeader {
  ProxyHeader header;
  std::size_t size = 0;  ///< bytes of it; what follows belongs to the protocol
};

/// The header that `bytes` begin with; nullopt if they may become one and there have to be more. Errors are
/// those of ProxyErrc, as soon as a byte can't be right; but what a field says (an address, a TLV) is looked at
/// when the header is complete.
[[nodiscard]] SIMUL_EXPORT std::expected<std::optional<ParsedProxyHeader>, std::error_code>
parse_proxy_header(Bytes bytes);

enum class ProxyExpectation : std::uint8_t {
  optional,  ///< for peers that are trusted either way: who sends no header is its own client
  required,
};

/// Reads the header at the beginning of a connection and nothing after it. Gives nullopt only if it is
/// `optional`, once the first bytes can't be those of a header. It waits for those: a client that waits for
/// the server to speak first has to send a header.
/// Errors: Errc::end_of_stream if not a byte had come; ProxyErrc; those of recv(). It has no deadline of its
/// own: fail_after(). Thread: the loop's.
/// Cancel safety: safe. After a cancellation, an error and nullopt all bytes that had come are still in
/// the stream, and the next recv gives them.
SIMUL_EXPORT Coro<std::expected<std::optional<ProxyHeader>, std::error_code>> read_proxy_header(
    Stream& stream, ProxyExpectation expectation);

// The other side. Source and destination are of the same family, or IPv4 and IPv6, which are then written as
// IPv6. Both throw std::invalid_argument for other pairs. All bytes should be sent at once.

/// The line of version 1. It knows TCP only: for LOCAL, Unix sockets and unspecified addresses it says
/// UNKNOWN; TLVs are left out.
[[nodiscard]] SIMUL_EXPORT std::string proxy_header_v1(const ProxyHeader& header);

enum class ProxyChecksum : std::uint8_t { none, crc32c };

/// Version 2. LOCAL has nothing else in it. Throws std::length_error for what is longer than the protocol
/// or kProxyHeaderLimit allows, std::invalid_argument for a path that would be read as another one, and for
/// a kCrc32c among the TLVs.
[[nodiscard]] SIMUL_EXPORT std::string proxy_header_v2(
    const ProxyHeader& header, ProxyChecksum checksum = ProxyChecksum::none);

}  // namespace simul
