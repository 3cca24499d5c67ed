// Endpoint: where a socket listens or connects to: an IPv4 or IPv6 address with a port, or the path
// of a Unix socket (shared between copies). Every connection keeps one: 24 bytes.
//
//   Endpoint::parse("127.0.0.1:7000")   "[::1]:7000"   "localhost:7000"   "*:7000"   "unix:/run/a.sock"
//
// Host names other than localhost are not endpoints: they need a resolver.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include <simul/export.hpp>

struct sockaddr;
struct sockaddr_storage;

namespace simul {

class SIMUL_EXPORT Endpoint {
 public:
  enum class Family : std::uint8_t { unspecified, ipv4, ipv6, local };

  /// The unspecified endpoint: the peer of a Unix client without a name, for instance.
  Endpoint() noexcept {}
  Endpoint(const Endpoint& other) noexcept;
  Endpoint(Endpoint&& other) noexcept;
  Endpoint& operator=(Endpoint other) noexcept;
  ~Endpoint() {
    if (family_ == Family::local) {
      path_.~shared_ptr();
    }
  }

  /// `*` stands for all IPv4 and IPv6 addresses of this machine. The error says what is wrong and
  /// what would be right, without naming the text.
  static std::expected<Endpoint, std::string> parse(std::string_view text);
  static Endpoint ipv4(std::array<std::uint8_t, 4> address, std::uint16_t port) noexcept;
  static Endpoint local(std::string path);
  static Endpoint from_sockaddr(const sockaddr_storage& address, std::uint32_t length);

  /// Fills `address`, gives its length.
  std::uint32_t to_sockaddr(sockaddr_storage& address) const noexcept;

  [[nodiscard]] Family family() const noexcept { return family_; }
  /// Host byte order; 0 for Unix sockets.
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] Endpoint with_port(std::uint16_t port) const;
  /// Of a Unix socket; empty otherwise.
  [[nodiscard]] std::string_view path() const noexcept {
    return family_ == Family::local && path_ ? std::string_view(*path_) : std::string_view();
  }
  [[nodiscard]] bool is_loopback() const noexcept;
  /// The form that parse() takes.
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const Endpoint& a, const Endpoint& b) noexcept;

 private:
  using Address = std::array<std::uint8_t, 16>;

  union {
    Address address_{};                        // network byte order; IPv4 uses the first four
    std::shared_ptr<const std::string> path_;  // Family::local; null without a name
  };
  std::uint32_t scope_id_ = 0;  // of a link-local IPv6 address
  std::uint16_t port_ = 0;
  Family family_ = Family::unspecified;
};

SIMUL_EXPORT bool operator==(const Endpoint& a, const Endpoint& b) noexcept;

}  // namespace simul
