// The peer of a connection, for a log line.
#pragma once

#include <string>

#include <simul/endpoint.hpp>

namespace simul::server {

/// Foreign text is quoted: a Unix client may bind its socket to any path.
[[nodiscard]] std::string peer_name(const Endpoint& peer);

}  // namespace simul::server
