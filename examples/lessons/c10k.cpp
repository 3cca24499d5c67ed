// C10K: ten thousand clients on one thread
//
// From "AsyncIO - Introduction", the chapter "C10K", which quotes Dan Kegel (http://www.kegel.com/c10k.html): "It's time
// for web servers to handle ten thousand clients simultaneously". It was written in 1999; today it is a matter of course.
// So this lesson asks two more things: what does a message cost, beside Python's asyncio, and are ten thousand served in time?
//
// 1. Echo: all clients send a message, read it back, send the next one. The server is a coroutine per connection, once
//    in simul, once in asyncio; the clients are the same program for both.
// 2. Kegel's example: a machine should be able "to take four kilobytes from the disk and send them to the network
//    once a second for each of twenty thousand clients". Here from memory, and for fewer, as both ends are on one
//    machine and a process may have 20,000 descriptors on many. Measured is how late each block is complete at its
//    client, after the moment when it was due.
//
//   simul lesson c10k           500 clients
//   simul lesson c10k --full    10,000 clients; 9,500 for Kegel's example
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <simul/simul.hpp>

#include "arguments.hpp"
#include "child_process.hpp"
#include "measure.hpp"

using namespace simul;
using namespace std::chrono_literals;

// --- the echo servers ------------------------------------------------------------------------------------

Coro<> echo(Connection& peer) {
  while (auto chunk = co_await peer.recv()) {
    if (!co_await peer.send(*chunk)) {
      break;
    }
  }
}

void serve_with_simul(SocketListener& listener) { run(serve(std::move(listener), echo)); }

constexpr const char* kAsyncioServer = R"(
import asyncio, socket, sys

async def echo(reader, writer):
    while data := await reader.read(16384):
        writer.write(data)
        await writer.drain()
    writer.close()

async def main():
    listener = socket.socket(fileno=int(sys.argv[1]))
    server = await asyncio.start_server(echo, sock=listener, backlog=4096)
    await server.serve_forever()

asyncio.run(main())
)";

void serve_with_asyncio(SocketListener& listener) {
  const int fd = listener.native_handle();
  ::fcntl(fd, F_SETFD, 0);  // it goes along
  ::execlp("python3", "python3", "-c", kAsyncioServer, std::to_string(fd).c_str(), nullptr);
  throw std::system_error(errno, std::generic_category(), "python3");
}

// --- their clients -----------------------------------------------------------------------------------------

using Message = std::array<std::byte, 64>;

Coro<> exchange(SocketStream& server, int times) {
  Message message{};
  Message echoed{};
  for (int i = 0; i < times; ++i) {
    message.fill(static_cast<std::byte>(i));
    const auto sent = co_await server.send(message);
    const auto received = co_await server.read_exactly(echoed);
    if (!sent || !received || echoed != message) {
      throw std::runtime_error("that is no echo");
    }
  }
}

Coro<SocketStream> connect_to(const Endpoint& address) {
  auto stream = co_await connect(address);
  if (!stream) {
    throw std::system_error(stream.error(), "connect");
  }
  co_return std::move(*stream);
}

/// Opens all connections, then makes the exchanges on all of them at the same time.
Coro<> echo_clients(const ChildProcess& server, Endpoint address, int clients, int messages) {
  const auto before = server.memory();
  CapacityLimiter few(100);  // the kernel keeps only so many that aren't accepted yet
  const auto open = [&](int) -> Coro<SocketStream> {
    auto slot = co_await few.acquire();
    SocketStream stream = co_await connect_to(address);
    co_await exchange(stream, 1);  // now it is served
    co_return stream;
  };
  std::vector<SocketStream> streams =
      co_await gather(std::views::iota(0, clients) | std::views::transform(open));
  const auto after = server.memory();

  const auto exchange_all = [&](SocketStream& stream) { return exchange(stream, messages); };
  const double processor_before = server.processor_seconds();
  const Stopwatch watch;
  co_await gather(streams | std::views::transform(exchange_all));
  const double seconds = watch.seconds();
  const double processor = server.processor_seconds() - processor_before;

  const double echoes = static_cast<double>(clients) * messages;
  std::printf("%9s echoes a second %8.2f us of processor each %8.1f KiB a connection\n",
              with_commas(static_cast<long>(echoes / seconds)).c_str(), processor / echoes * 1e6,
              static_cast<double>(after.own - before.own) / 1024 / clients);
}

void measure_echo(const char* name, void (*serve_them)(SocketListener&), int clients,
                  int messages) {
  SocketListener listener = listen(Endpoint::ipv4({127, 0, 0, 1}, 0));
  const Endpoint address = listener.local_endpoint();
  const ChildProcess server([&] { serve_them(listener); });
  listener.close();

  const auto warm_up = [&]() -> Coro<> {
    SocketStream stream = co_await connect_to(address);
    co_await exchange(stream, 1);
  };
  run(warm_up());
  std::printf("  %-7s", name);
  run(echo_clients(server, address, clients, messages));
}

// --- Kegel's example ---------------------------------------------------------------------------------------

constexpr std::size_t kBlock = 4096;

/// A block a second, which begins with the time at which it was due.
Coro<> once_a_second(Connection& client) {
  static constexpr std::array<std::byte, kBlock - sizeof(TimePoint)> kRest{};
  for (TimePoint due = Loop::current().now() + 1s;; due += 1s) {
    co_await sleep_until(due);
    const std::array<Bytes, 2> pieces{std::as_bytes(std::span(&due, 1)), kRest};
    if (!co_await client.send(pieces)) {
      co_return;
    }
  }
}

Coro<> kegels_clients(Endpoint address, int clients, Duration time) {
  std::vector<double> lateness_ms;
  const auto receive = [&](int) -> Coro<> {
    SocketStream stream = co_await connect_to(address);
    std::array<std::byte, kBlock> block;
    while (co_await stream.read_exactly(block)) {
      TimePoint due;
      std::memcpy(&due, block.data(), sizeof due);
      // The clock of both processes is that of the machine.
      const Duration late = Loop::current().exact_now() - due;
      lateness_ms.push_back(std::chrono::duration<double, std::milli>(late).count());
    }
  };
  const auto receive_all = [&]() -> Coro<> {
    co_await gather(std::views::iota(0, clients) | std::views::transform(receive));
  };
  co_await move_on_after(time, receive_all);
  if (lateness_ms.empty()) {
    throw std::runtime_error("not a single block came");
  }
  std::printf("  %s blocks, late by p50 %.2f ms, p99 %.2f ms, at the most %.2f ms\n",
              with_commas(static_cast<long>(lateness_ms.size())).c_str(),
              percentile(lateness_ms, 0.5), percentile(lateness_ms, 0.99),
              percentile(lateness_ms, 1));
}

void measure_kegels_example(int clients, Duration time) {
  SocketListener listener = listen(Endpoint::ipv4({127, 0, 0, 1}, 0));
  const Endpoint address = listener.local_endpoint();
  const ChildProcess server([&] { run(serve(std::move(listener), once_a_second)); });
  listener.close();
  run(kegels_clients(address, clients, time));
}

int main(int argc, char** argv) try {
  Arguments arguments(argc, argv, "[--full]");
  const bool full = arguments.flag("--full");
  arguments.end();
  const int clients = full ? 10'000 : 500;
  const int messages = full ? 50 : 10;
  const int kegels = full ? 9'500 : 500;
  allow_connections(clients);

  std::printf("%s clients, %d echoes of 64 bytes each:\n", with_commas(clients).c_str(), messages);
  measure_echo("simul", serve_with_simul, clients, messages);
  if (std::system("command -v python3 >/dev/null") == 0) {
    measure_echo("asyncio", serve_with_asyncio, clients, messages);
  } else {
    std::puts("  asyncio isn't here: there is no python3");
  }

  std::printf("\n4 KiB once a second to %s clients:\n", with_commas(kegels).c_str());
  measure_kegels_example(kegels, full ? 20s : 2500ms);
} catch (const std::exception& error) {
  std::fprintf(stderr, "c10k: %s\n", error.what());
  return 1;
}
