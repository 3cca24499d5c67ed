// Pairs of connected streams of every kind, for tests that say the same words to each.
#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include "harness.hpp"

namespace simul::test {

struct Unix {
  static Coro<std::pair<SocketStream, SocketStream>> make() { co_return socket_pair(); }
};
struct Tcp {
  static Coro<std::pair<SocketStream, SocketStream>> make() {
    SocketListener listener = listen(*Endpoint::parse("127.0.0.1:0"));
    auto client = co_await connect(listener.local_endpoint());
    auto server = co_await listener.accept();
    co_return std::pair(std::move(*client), std::move(server->stream));
  }
};
struct Memory {
  static Coro<std::pair<MemoryStream, MemoryStream>> make() {
    co_return memory_stream_pair(1 << 16);
  }
};
struct TinyMemory {
  static Coro<std::pair<MemoryStream, MemoryStream>> make() { co_return memory_stream_pair(3); }
};

/// Everything up to the end of the stream, which must be a clean one.
inline Coro<std::string> everything_of(Stream& stream) {
  std::string text;
  for (;;) {
    auto chunk = co_await stream.recv();
    if (!chunk) {
      CHECK(chunk.error() == Errc::end_of_stream);
      co_return text;
    }
    CHECK_FALSE(chunk->empty());
    text += chunk->text();
  }
}

inline Coro<std::string> bytes_of(Stream& stream, std::size_t size) {
  std::string text;
  while (text.size() < size) {
    auto chunk = co_await stream.recv();
    REQUIRE(chunk.has_value());
    text += chunk->text();
  }
  co_return text;
}

/// Memory needs no real time; the kernel's sockets do, for it may deliver a little later.
template <typename Kind, typename Fn>
void with_pair(Fn fn) {
  VirtualClock clock;
  constexpr bool kVirtual = std::is_same_v<Kind, Memory> || std::is_same_v<Kind, TinyMemory>;
  Loop loop(kVirtual ? static_cast<Environment&>(clock) : Environment::real());
  loop.run_until_complete([](Fn& body) -> Coro<> {
    auto [a, b] = co_await Kind::make();
    co_await body(a, b);
  }(fn));
}

}  // namespace simul::test
