// Service: a listener of the configuration with all that is needed to serve it. One for all loops.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include <simul/config/settings.hpp>
#include <simul/endpoint.hpp>
#include <simul/protocol.hpp>
#include <simul/socket.hpp>

#include "connection_limit.hpp"

namespace simul::server {

struct Service {
  Service(const config::ListenerSettings& listener, std::unique_ptr<Protocol> made)
      : settings(listener),
        protocol(std::move(made)),
        limit(listener.max_connections.value_or(std::numeric_limits<std::uint32_t>::max())) {}

  const config::ListenerSettings& settings;
  std::unique_ptr<Protocol> protocol;
  ConnectionLimit limit;
  Endpoint endpoint{};                    ///< as bound
  std::vector<SocketListener> sockets{};  ///< loop i has i, i + loops, i + 2 * loops ...
};

}  // namespace simul::server
