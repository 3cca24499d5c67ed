// How often the kernel was heard of, for tests of what spins and what doesn't.
#pragma once

#include <cstdint>
#include <utility>

#include "harness.hpp"
#include "loop_access.hpp"
#include "reactor.hpp"

namespace simul::test {

inline std::uint64_t callbacks() {
  return detail::LoopAccess::reactor(Loop::current()).callbacks();
}

/// Lets the kernel be asked many times: what spins shows in callbacks().
inline Coro<> many_polls() {
  for (int i = 0; i < 200; ++i) {
    co_await yield_now();
  }
}

/// Two connected TCP sockets.
inline Coro<std::pair<SocketStream, SocketStream>> tcp_pair() {
  SocketListener listener = listen(*Endpoint::parse("127.0.0.1:0"));
  auto client = co_await connect(listener.local_endpoint());
  auto server = co_await listener.accept();
  REQUIRE(client.has_value());
  REQUIRE(server.has_value());
  co_return std::pair(std::move(*client), std::move(server->stream));
}

}  // namespace simul::test
