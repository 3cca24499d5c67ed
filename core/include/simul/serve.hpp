// serve: a handler on a listening socket, for a program of one's own. (`simul serve` adds
// configuration, limits, drain and statistics to this.)
//
//   int main() { simul::run(simul::serve(simul::listen(*simul::Endpoint::parse("*:7000")), echo)); }
#pragma once

#include <chrono>

#include <simul/clock.hpp>
#include <simul/connection.hpp>
#include <simul/coro.hpp>
#include <simul/export.hpp>
#include <simul/socket.hpp>

namespace simul {

struct ServeOptions {
  /// A peer that is silent for so long in both directions is disconnected; zero: never.
  Duration idle_timeout = std::chrono::minutes(5);
};

/// Accepts connections and runs `handler` for each, in a task of its own, until it is cancelled or
/// the listener is closed; then cancels and joins the handlers. A handler that throws ends its own
/// connection only, with a line in the log. When descriptors run out it waits and goes on.
SIMUL_EXPORT Coro<> serve(SocketListener listener, Handler handler, ServeOptions options = {});

}  // namespace simul
