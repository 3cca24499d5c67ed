#include <simul/endpoint.hpp>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <memory>

namespace simul {
namespace {

constexpr std::string_view kForms =
    "expected host:port, [ipv6]:port, *:port or unix:/path, for instance 127.0.0.1:7000";
constexpr std::string_view kUnixPrefix = "unix:";

std::expected<std::uint16_t, std::string> parse_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error == std::errc::invalid_argument || end != text.data() + text.size()) {
    return std::unexpected("the port is not a number; " + std::string(kForms));
  }
  if (error != std::errc() || port > 65535) {
    return std::unexpected("a port is at most 65535");
  }
  return static_cast<std::uint16_t>(port);
}

std::expected<Endpoint, std::string> parse_unix(std::string_view path) {
  if (path.empty() || path.find('\0') != std::string_view::npos) {
    return std::unexpected("a Unix socket needs a path: unix:/run/simul/echo.sock");
  }
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return std::unexpected("the path of a Unix socket has at most " +
                           std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes");
  }
  return Endpoint::local(std::string(path));
}

}  // namespace

Endpoint::Endpoint(const Endpoint& other) noexcept
    : scope_id_(other.scope_id_), port_(other.port_), family_(other.family_) {
  if (family_ == Family::local) {
    std::construct_at(&path_, other.path_);
  } else {
    address_ = other.address_;
  }
}

Endpoint::Endpoint(Endpoint&& other) noexcept
    : scope_id_(other.scope_id_), port_(other.port_), family_(other.family_) {
  if (family_ == Family::local) {
    std::construct_at(&path_, std::move(other.path_));
  } else {
    address_ = other.address_;
  }
}

Endpoint& Endpoint::operator=(Endpoint other) noexcept {
  this->~Endpoint();
  return *std::construct_at(this, std::move(other));
}

bool operator==(const Endpoint& a, const Endpoint& b) noexcept {
  if (a.family_ != b.family_) {
    return false;
  }
  if (a.family_ == Endpoint::Family::local) {
    return a.path() == b.path();
  }
  return a.address_ == b.address_ && a.port_ == b.port_ && a.scope_id_ == b.scope_id_;
}

std::expected<Endpoint, std::string> Endpoint::parse(std::string_view text) {
  if (text.starts_with(kUnixPrefix)) {
    return parse_unix(text.substr(kUnixPrefix.size()));
  }
  const bool bracketed = text.starts_with('[');
  const std::size_t colon = bracketed ? text.find("]:") : text.rfind(':');
  if (colon == std::string_view::npos) {
    return std::unexpected("there is no port; " + std::string(kForms));
  }
  const std::string host(bracketed ? text.substr(1, colon - 1) : text.substr(0, colon));
  const auto port = parse_port(text.substr(colon + (bracketed ? 2 : 1)));
  if (!port) {
    return std::unexpected(port.error());
  }
  Endpoint endpoint;
  endpoint.port_ = *port;
  if (!bracketed && host.find(':') != std::string::npos) {
    return std::unexpected("an IPv6 address stands in brackets: [" + host +
                           "]:" + std::to_string(*port));
  }
  if (bracketed || host == "*") {
    endpoint.family_ = Family::ipv6;
    const std::size_t percent = host.find('%');
    const std::string address = host == "*" ? "::" : host.substr(0, percent);
    if (inet_pton(AF_INET6, address.c_str(), endpoint.address_.data()) != 1) {
      return std::unexpected("'" + address + "' is not an IPv6 address");
    }
    if (percent != std::string::npos) {
      endpoint.scope_id_ = if_nametoindex(host.c_str() + percent + 1);
      if (endpoint.scope_id_ == 0) {
        return std::unexpected("there is no network interface '" + host.substr(percent + 1) + "'");
      }
    }
    return endpoint;
  }
  endpoint.family_ = Family::ipv4;
  const char* address = host == "localhost" ? "127.0.0.1" : host.c_str();
  if (inet_pton(AF_INET, address, endpoint.address_.data()) != 1) {
    return std::unexpected(host.empty()
                               ? "there is no host; " + std::string(kForms)
                               : "'" + host + "' is not an IP address; " + std::string(kForms));
  }
  return endpoint;
}

Endpoint Endpoint::ipv4(std::array<std::uint8_t, 4> address, std::uint16_t port) noexcept {
  Endpoint endpoint;
  endpoint.family_ = Family::ipv4;
  std::ranges::copy(address, endpoint.address_.begin());
  endpoint.port_ = port;
  return endpoint;
}

Endpoint Endpoint::local(std::string path) {
  Endpoint endpoint;
  std::construct_at(&endpoint.path_, std::make_shared<const std::string>(std::move(path)));
  endpoint.family_ = Family::local;
  return endpoint;
}

Endpoint Endpoint::with_port(std::uint16_t port) const {
  Endpoint copy = *this;
  copy.port_ = port;
  return copy;
}

Endpoint Endpoint::from_sockaddr(const sockaddr_storage& address, std::uint32_t length) {
  Endpoint endpoint;
  if (address.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof in);
    endpoint.family_ = Family::ipv4;
    endpoint.port_ = ntohs(in.sin_port);
    std::memcpy(endpoint.address_.data(), &in.sin_addr, 4);
  } else if (address.ss_family == AF_INET6) {
    sockaddr_in6 in6{};
    std::memcpy(&in6, &address, sizeof in6);
    endpoint.port_ = ntohs(in6.sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {  // an IPv4 client of a dual-stack socket
      endpoint.family_ = Family::ipv4;
      std::memcpy(endpoint.address_.data(), in6.sin6_addr.s6_addr + 12, 4);
    } else {
      endpoint.family_ = Family::ipv6;
      endpoint.scope_id_ = in6.sin6_scope_id;
      std::memcpy(endpoint.address_.data(), &in6.sin6_addr, 16);
    }
  } else if (address.ss_family == AF_UNIX) {
    constexpr std::size_t kHeader = offsetof(sockaddr_un, sun_path);
    std::construct_at(&endpoint.path_);
    endpoint.family_ = Family::local;
    if (length > kHeader) {
      sockaddr_un un{};
      std::memcpy(&un, &address, std::min<std::size_t>(length, sizeof un));
      std::string path(un.sun_path, strnlen(un.sun_path, length - kHeader));
      if (!path.empty()) {
        endpoint.path_ = std::make_shared<const std::string>(std::move(path));
      }
    }
  }
  return endpoint;
}

std::uint32_t Endpoint::to_sockaddr(sockaddr_storage& address) const noexcept {
  std::memset(&address, 0, sizeof address);
  switch (family_) {
    case Family::ipv4: {
      sockaddr_in in{};
      in.sin_family = AF_INET;
      in.sin_port = htons(port_);
      std::memcpy(&in.sin_addr, address_.data(), 4);
      std::memcpy(&address, &in, sizeof in);
      return sizeof in;
    }
    case Family::ipv6: {
      sockaddr_in6 in6{};
      in6.sin6_family = AF_INET6;
      in6.sin6_port = htons(port_);
      in6.sin6_scope_id = scope_id_;
      std::memcpy(&in6.sin6_addr, address_.data(), 16);
      std::memcpy(&address, &in6, sizeof in6);
      return sizeof in6;
    }
    case Family::local: {
      sockaddr_un un{};
      un.sun_family = AF_UNIX;
      const std::string_view name = path();
      const std::size_t size = std::min(name.size(), sizeof un.sun_path - 1);
      std::memcpy(un.sun_path, name.data(), size);
      std::memcpy(&address, &un, sizeof un);
      return static_cast<std::uint32_t>(offsetof(sockaddr_un, sun_path) + size + 1);
    }
    case Family::unspecified:
      break;
  }
  return sizeof(sa_family_t);
}

bool Endpoint::is_loopback() const noexcept {
  if (family_ == Family::ipv4) {
    return address_[0] == 127;
  }
  if (family_ == Family::ipv6) {
    constexpr std::array<std::uint8_t, 16> kLoopback = {0, 0, 0, 0, 0, 0, 0, 0,
                                                        0, 0, 0, 0, 0, 0, 0, 1};
    return address_ == kLoopback;
  }
  return family_ == Family::local;
}

std::string Endpoint::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  switch (family_) {
    case Family::ipv4:
      inet_ntop(AF_INET, address_.data(), text.data(), text.size());
      return std::string(text.data()) + ':' + std::to_string(port_);
    case Family::ipv6: {
      inet_ntop(AF_INET6, address_.data(), text.data(), text.size());
      std::string host = text.data();
      std::array<char, IF_NAMESIZE> interface{};
      if (scope_id_ != 0 && if_indextoname(scope_id_, interface.data()) != nullptr) {
        host += std::string("%") + interface.data();
      }
      return '[' + host + "]:" + std::to_string(port_);
    }
    case Family::local:
      return std::string(kUnixPrefix) + std::string(path());
    case Family::unspecified:
      break;
  }
  return "unspecified";
}

}  // namespace simul
