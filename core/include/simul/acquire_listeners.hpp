// acquire_listeners: the one place that binds. It gives every loop its listening sockets.
//
// TCP: the first socket of an address is bound without SO_REUSEPORT, which is set after the bind; then
// the others are bound with it. So a second server gets "address already in use" instead of half of
// the connections, and the kernel still spreads connections over our own sockets. Unix: one socket,
// shared by all loops.
//
// A socket that was inherited (from a supervisor, a predecessor, systemd) is taken instead of bound,
// and never shut down: its queue of connections belongs to others as well.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <simul/endpoint.hpp>
#include <simul/export.hpp>
#include <simul/socket.hpp>

namespace simul {

struct ListenerConfig {
  std::string name;
  Endpoint endpoint;
  ListenOptions options{};
};

struct InheritedSocket {
  Endpoint endpoint;
  int fd = -1;
};

struct AcquiredListener {
  std::string name;
  /// As bound: with the real port where 0 was asked for.
  Endpoint endpoint;
  /// At least one for each loop: loop i serves sockets i, i + loops, i + 2 * loops ...
  std::vector<SocketListener> sockets;
};

/// Takes or binds all, or none: after a failure the inherited sockets are open and the caller's still.
/// Throws std::system_error whose text names listener, address and cause
/// ("listener 'echo': 127.0.0.1:7000: Address already in use"). A Unix socket's file is replaced if
/// nobody listens on it any more. Thread: any.
[[nodiscard]] SIMUL_EXPORT std::vector<AcquiredListener> acquire_listeners(
    std::span<const ListenerConfig> configs, std::size_t loops,
    std::span<const InheritedSocket> inherited = {});

}  // namespace simul
