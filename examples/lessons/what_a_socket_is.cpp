// What a socket is: bytes in at one end, the same bytes out at the other
//
// From the notes on "Python Concurrency with asyncio", the chapter "What is a socket?": "a low-level abstraction for
// sending and receiving data over a network". That is half of it: two processes on one machine use them as well, and
// nothing need ever come near a network. What it carries are bytes: no text, no lines, no messages. Zero and newline
// are bytes as any other, and what was sent at once may arrive in pieces.
//
// All 256 values go through two kinds of it and come back unchanged.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <numeric>
#include <system_error>

#include <simul/simul.hpp>

#include "arguments.hpp"

using namespace simul;

using AllBytes = std::array<std::byte, 256>;

Coro<> send_back(Stream& peer) {
  while (auto chunk = co_await peer.recv()) {
    if (!co_await peer.send(*chunk)) {
      break;
    }
  }
}

Coro<> there_and_back(const char* kind, SocketStream near, SocketStream far) {
  AllBytes sent{};
  std::ranges::generate(sent, [value = 0]() mutable { return static_cast<std::byte>(value++); });
  AllBytes received{};

  const auto exchange = [&](TaskGroup& group) -> Coro<> {
    group.spawn(send_back(far));
    (void)co_await near.send(sent);
    (void)near.shutdown();  // no more will come: this ends send_back
    (void)co_await near.read_exactly(received);
  };
  co_await with_group(exchange);
  std::printf("%s: %d bytes there and back, %s\n", kind, static_cast<int>(near.bytes_received()),
              sent == received ? "unchanged" : "CHANGED");
}

Coro<> tcp() {
  SocketListener listener = listen(Endpoint::ipv4({127, 0, 0, 1}, 0));
  auto near = co_await connect(listener.local_endpoint());
  auto far = co_await listener.accept();
  co_await there_and_back("a TCP connection", std::move(near.value()),
                          std::move(far.value().stream));
}

Coro<> pair_of_unix_sockets() {
  auto [near, far] = socket_pair();
  co_await there_and_back("a pair of Unix sockets", std::move(near), std::move(far));
}

int main(int argc, char** argv) {
  expect_no_arguments(argc, argv);
  run(pair_of_unix_sockets());
  run(tcp());
}
