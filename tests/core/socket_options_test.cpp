// What can be set and asked of a socket, and the taking over of one.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <utility>

#include <simul/socket.hpp>

#include "polls.hpp"

using namespace simul;
using namespace simul::test;

namespace {

int option(const SocketStream& stream, int level, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  CHECK(::getsockopt(stream.native_handle(), level, name, &value, &length) == 0);
  return value;
}

Endpoint loopback() { return Endpoint::ipv4({127, 0, 0, 1}, 0); }

}  // namespace

TEST_SUITE("socket options") {
  TEST_CASE("what is given is set, in the kernel's units, and nothing else") {
    run([]() -> Coro<> {
      auto [a, b] = co_await tcp_pair();
      CHECK_FALSE(a.set_options({}));
      CHECK(option(a, IPPROTO_TCP, TCP_NODELAY) == 1);
      CHECK(option(a, SOL_SOCKET, SO_KEEPALIVE) == 0);
      CHECK_FALSE(a.set_options({.no_delay = false}));
      CHECK(option(a, IPPROTO_TCP, TCP_NODELAY) == 0);
      CHECK(option(a, SOL_SOCKET, SO_KEEPALIVE) == 0);
      CHECK_FALSE(
          a.set_options({.keep_alive = KeepAlive{.idle = 90s, .interval = 1500ms, .probes = 3},
                         .receive_buffer = 100'000,
                         .send_buffer = 50'000,
                         .user_timeout = 2500ms}));
      CHECK(option(a, SOL_SOCKET, SO_KEEPALIVE) == 1);
      CHECK(option(a, IPPROTO_TCP, TCP_KEEPIDLE) == 90);
      CHECK(option(a, IPPROTO_TCP, TCP_KEEPINTVL) == 2);
      CHECK(option(a, IPPROTO_TCP, TCP_KEEPCNT) == 3);
      CHECK(option(a, SOL_SOCKET, SO_RCVBUF) == 200'000);
      CHECK(option(a, SOL_SOCKET, SO_SNDBUF) == 100'000);
      CHECK(option(a, IPPROTO_TCP, TCP_USER_TIMEOUT) == 2500);
      CHECK_FALSE(a.set_options({.keep_alive = KeepAlive{.on = false}}));
      CHECK(option(a, SOL_SOCKET, SO_KEEPALIVE) == 0);
      CHECK(option(a, IPPROTO_TCP, TCP_NODELAY) == 0);
    }());
  }

  TEST_CASE("what can't be set is an error value") {
    run([]() -> Coro<> {
      auto [a, b] = socket_pair();
      CHECK(a.set_options({.no_delay = true}) == std::errc::operation_not_supported);
      CHECK(a.set_options({.user_timeout = 1s}) == std::errc::operation_not_supported);
      CHECK_FALSE(a.set_options({.send_buffer = 10'000}));
      auto [c, d] = co_await tcp_pair();
      CHECK(c.set_options({.keep_alive = KeepAlive{.idle = 0s}}) == std::errc::invalid_argument);
      CHECK(c.set_options({.keep_alive = KeepAlive{.probes = 1000}}) ==
            std::errc::invalid_argument);
      c.close();
      CHECK(c.set_options({.no_delay = true}) == std::errc::bad_file_descriptor);
    }());
  }

  TEST_CASE("the process at the other end of a Unix socket is known") {
    run([]() -> Coro<> {
      auto [a, b] = socket_pair();
      const auto peer = a.peer_credentials();
      REQUIRE(peer.has_value());
      CHECK(peer->pid == ::getpid());
      CHECK(peer->uid == ::getuid());
      CHECK(peer->gid == ::getgid());
      auto [c, d] = co_await tcp_pair();
      CHECK(c.peer_credentials().error() == std::errc::operation_not_supported);
    }());
  }
}

TEST_SUITE("adopted sockets") {
  TEST_CASE("a connected socket that somebody else has opened becomes a stream") {
    run([]() -> Coro<> {
      std::array<int, 2> fds{};
      REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds.data()) == 0);
      auto a = SocketStream::adopt(fds[0]);
      auto b = SocketStream::adopt(fds[1]);
      REQUIRE(a.has_value());
      REQUIRE(b.has_value());
      CHECK((::fcntl(fds[0], F_GETFL) & O_NONBLOCK) != 0);
      CHECK((::fcntl(fds[0], F_GETFD) & FD_CLOEXEC) != 0);
      CHECK_FALSE(co_await move_on_after(1ms, [&]() -> Coro<> { (void)co_await a->recv(); }));
      CHECK((co_await b->send("hello")).has_value());
      CHECK((co_await a->recv())->text() == "hello");
    }());
  }

  TEST_CASE("what is no connected stream socket is refused, and stays the caller's") {
    std::array<int, 2> pipe{};
    REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
    const int datagrams = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int alone = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const SocketListener listener = listen(loopback());
    const std::size_t fds = open_fds();
    CHECK(SocketStream::adopt(-1).error() == std::errc::bad_file_descriptor);
    CHECK(SocketStream::adopt(pipe[0]).error() == std::errc::not_a_socket);
    CHECK(SocketStream::adopt(datagrams).error() == std::errc::wrong_protocol_type);
    CHECK(SocketStream::adopt(alone).error() == std::errc::not_connected);
    CHECK(SocketStream::adopt(listener.native_handle()).error() == std::errc::not_connected);
    CHECK(SocketListener::adopt(-1).error() == std::errc::bad_file_descriptor);
    CHECK(SocketListener::adopt(pipe[0]).error() == std::errc::not_a_socket);
    CHECK(SocketListener::adopt(datagrams).error() == std::errc::wrong_protocol_type);
    CHECK(SocketListener::adopt(alone).error() == std::errc::invalid_argument);
    CHECK(open_fds() == fds);
    CHECK((::fcntl(alone, F_GETFL) & O_NONBLOCK) == 0);
    for (const int fd : {pipe[0], pipe[1], datagrams, alone}) {
      ::close(fd);
    }
  }

  TEST_CASE("a listening socket goes from one owner to the next with its queue") {
    run([]() -> Coro<> {
      SocketListener first = listen(loopback());
      const Endpoint endpoint = first.local_endpoint();
      Task<> acceptor =
          spawn([&]() -> Coro<> { CHECK((co_await first.accept()).error() == Errc::closed); });
      co_await settle();
      const int fd = first.release();
      co_await acceptor;
      CHECK(first.native_handle() == -1);
      auto client = co_await connect(endpoint);
      REQUIRE(client.has_value());
      auto second = SocketListener::adopt(fd);
      REQUIRE(second.has_value());
      CHECK((co_await second->accept()).has_value());
    }());
  }

  TEST_CASE("a stream that gives its socket up closes nothing, and keeps what was given back") {
    run([]() -> Coro<> {
      auto [a, b] = co_await tcp_pair();
      CHECK((co_await a.send("line\nrest")).has_value());
      CHECK(co_await b.read_line() == "line");
      Task<> waiter = spawn([&]() -> Coro<> { CHECK(co_await b.closed() == Errc::closed); });
      co_await settle();
      const int fd = b.release();
      co_await waiter;
      CHECK(b.release() == -1);
      CHECK((co_await b.recv())->text() == "rest");
      CHECK((co_await b.recv()).error() == Errc::closed);
      auto again = SocketStream::adopt(fd);
      REQUIRE(again.has_value());
      CHECK((co_await a.send("more")).has_value());
      CHECK((co_await again->recv())->text() == "more");
    }());
  }
}
