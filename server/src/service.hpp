// Service: a listener of the configuration with all that is needed to serve it. One for all loops.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include <simul/config/settings.hpp>
#include <simul/endpoint.hpp>
#include <simul/protocol.hpp>
#include <simul/socket.hpp>

#include "connection_limit.hpp"
#include "listener_tls.hpp"

namespace simul::server {

struct Service {
  Service(const config::ListenerSettings& listener, std::unique_ptr<Protocol> made)
      : settings(listener),
        protocol(std::move(made)),
        limit(listener.max_connections.value_or(std::numeric_limits<std::uint32_t>::max())),
        handshake_limit(listener.max_handshakes) {
    if (listener.tls) {
      tls.emplace(*listener.tls);
    }
  }

  /// Does something come before the protocol?
  [[nodiscard]] bool has_handshake() const noexcept {
    return tls || settings.proxy_protocol != config::ProxyProtocol::off;
  }

  const config::ListenerSettings& settings;
  std::unique_ptr<Protocol> protocol;
  ConnectionLimit limit;
  ConnectionLimit handshake_limit;
  std::optional<ListenerTls> tls{};       ///< none: plain TCP
  Endpoint endpoint{};                    ///< as bound
  std::vector<SocketListener> sockets{};  ///< loop i has i, i + loops, i + 2 * loops ...
};

}  // namespace simul::server
