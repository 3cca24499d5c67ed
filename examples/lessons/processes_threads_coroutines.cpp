// Processes, threads, coroutines: what a connection costs in each
//
// From "AsyncIO - Introduction", the table Processes / Threads / AsyncIO, whose columns are words: memory "High", "Medium",
// "Low". Here they are numbers. The same echo server is written three times: a process for each connection, a
// thread for each, a coroutine for each. A client opens many connections and then goes round: a small message on every
// connection, and every echo read. (With several processors, processes and threads use more than one for that, the
// coroutines one.)
//
//   simul lesson processes_threads_coroutines            200 connections
//   simul lesson processes_threads_coroutines --full     1,000 and 10,000
//
// Dated or wrong in the table, and in the texts it quotes:
// - "CPUs: 1 (because of the GIL)" for threads, and 1 for AsyncIO: in C++ threads use all processors, and there can be
//   a loop on each (LoopGroup).
// - "only hundreds of threads, with the default size of the C stack being a key culprit": a stack is address space until
//   it is used. Ten thousand threads work. What they cost is below.
//
// "Its memory" is that of the processes, where shared pages count in parts (PSS). "The kernel's" are page tables (VmPTE)
// and the kernel's own stack for each thread, 16 KiB. Its other records of processes and threads aren't counted, nor
// are sockets, which cost the same in all three.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include <simul/simul.hpp>

#include "arguments.hpp"
#include "child_process.hpp"
#include "measure.hpp"

using namespace simul;

// --- three servers -----------------------------------------------------------------------------------------

// [blocking]
void echo_until_the_end(int peer) {
  std::array<char, 4096> buffer;
  for (ssize_t size; (size = ::recv(peer, buffer.data(), buffer.size(), 0)) > 0;) {
    if (::send(peer, buffer.data(), size, MSG_NOSIGNAL) != size) {
      break;
    }
  }
  ::close(peer);
}
// [/blocking]

int accept_next(int listener) {
  const int peer = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (peer < 0) {
    throw std::system_error(errno, std::generic_category(), "accept");
  }
  return peer;
}

void serve_with_processes(int listener) {
  ::signal(SIGCHLD, SIG_IGN);  // nobody waits for them
  for (;;) {
    const int peer = accept_next(listener);
    const pid_t child = ::fork();
    if (child < 0) {
      throw std::system_error(errno, std::generic_category(), "fork");
    }
    if (child == 0) {
      ::close(listener);
      echo_until_the_end(peer);
      ::_exit(0);
    }
    ::close(peer);
  }
}

void serve_with_threads(int listener) {
  for (;;) {
    std::thread(echo_until_the_end, accept_next(listener)).detach();
  }
}

// [coroutine]
Coro<> echo(Connection& peer) {
  while (auto chunk = co_await peer.recv()) {
    if (!co_await peer.send(*chunk)) {
      break;
    }
  }
}
// [/coroutine]

void serve_with_coroutines(int listener) {
  run(serve(SocketListener::adopt(listener).value(), echo));
}

// --- the client ----------------------------------------------------------------------------------------------

/// Many connections, of which each is either being written or read: no loop is needed for that.
class Client {
 public:
  Client(const Endpoint& server, int connections) {
    sockaddr_storage address{};
    const socklen_t size = server.to_sockaddr(address);
    for (int i = 0; i < connections; ++i) {
      sockets_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      if (::connect(sockets_.back(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
        throw std::system_error(errno, std::generic_category(), "connect");
      }
      constexpr timeval kPatience{.tv_sec = 30, .tv_usec = 0};  // with a server that can't go on
      ::setsockopt(sockets_.back(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    }
  }
  ~Client() {
    for (const int socket : sockets_) {
      ::close(socket);
    }
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void round() {
    constexpr std::string_view kMessage = "sixteen letters.";
    for (const int socket : sockets_) {
      if (::send(socket, kMessage.data(), kMessage.size(), MSG_NOSIGNAL) < 0) {
        throw std::system_error(errno, std::generic_category(), "send");
      }
    }
    std::array<char, kMessage.size()> echoed;
    for (const int socket : sockets_) {
      const ssize_t size = ::recv(socket, echoed.data(), echoed.size(), MSG_WAITALL);
      if (size < 0) {
        throw std::system_error(errno, std::generic_category(), "recv");
      }
      if (std::string_view(echoed.data(), size) != kMessage) {
        throw std::runtime_error("that is no echo");
      }
    }
  }

 private:
  std::vector<int> sockets_;
};

// --- the measurement -------------------------------------------------------------------------------------------

void measure(const char* kind, void (*serve_them)(int), int connections) {
  SocketListener listener = listen(Endpoint::ipv4({127, 0, 0, 1}, 0));
  ::fcntl(listener.native_handle(), F_SETFL, 0);  // blocking
  const Endpoint address = listener.local_endpoint();
  const ChildProcess server([&] { serve_them(listener.native_handle()); });
  listener.close();

  {
    Client(address, 1).round();
  }  // what is needed once is there now
  const ChildProcess::Memory before = server.memory();

  const Stopwatch opening;
  Client client(address, connections);
  client.round();
  const double opened = opening.seconds();
  const ChildProcess::Memory after = server.memory();

  constexpr int kRounds = 15;
  std::vector<double> rounds;
  const double processor_before = server.processor_seconds();
  for (int i = 0; i < kRounds; ++i) {
    const Stopwatch watch;
    client.round();
    rounds.push_back(watch.seconds());
  }
  const double processor = server.processor_seconds() - processor_before;

  const auto kib_each = [&](long bytes) { return static_cast<double>(bytes) / 1024 / connections; };
  std::printf("| %-9s | %11s | %8.1f KiB | %8.1f KiB | %8.0f ms | %8.1f ms | %9.1f us |\n", kind,
              with_commas(connections).c_str(), kib_each(after.own - before.own),
              kib_each(after.kernel - before.kernel), opened * 1e3, median(rounds) * 1e3,
              processor / kRounds / connections * 1e6);
  std::fflush(stdout);
}

int main(int argc, char** argv) try {
  Arguments arguments(argc, argv, "[--full]");
  const bool full = arguments.flag("--full");
  arguments.end();
  std::puts(
      "| each is a | connections |   its memory | the kernel's |    all open |     a round | CPU, "
      "an echo |\n"
      "| --------- | ----------: | -----------: | -----------: | ----------: | ----------: | "
      "-----------: |");
  for (const int connections : full ? std::vector{1000, 10000} : std::vector{200}) {
    allow_connections(connections);
    measure("process", serve_with_processes, connections);
    measure("thread", serve_with_threads, connections);
    measure("coroutine", serve_with_coroutines, connections);
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "processes_threads_coroutines: %s\n", error.what());
  return 1;
}
