#include "watch.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include <simul/acquire_listeners.hpp>

#include "polls.hpp"

using namespace simul;
using namespace simul::test;
using detail::FdWatch;

namespace {

constexpr auto kBothWays = static_cast<std::uint8_t>(FdWatch::kReadable | FdWatch::kWritable);

/// Waits for readiness as it comes from the watch.
class Readiness final : public Leaf {
 public:
  Readiness(FdWatch& watch, FdWatch::Op op, std::uint8_t events)
      : watch_(watch), op_(op), events_(events) {}
  bool await_ready() {
    check_cancelled();
    return false;
  }
  bool await_suspend(std::coroutine_handle<>) {
    if (watch_.wait(op_, events_, *this)) {
      return false;
    }
    suspend();
    return true;
  }
  void await_resume() { throw_if_cancelled(); }

 private:
  bool on_cancel() noexcept override {
    watch_.forget(op_);
    return true;
  }
  FdWatch& watch_;
  FdWatch::Op op_;
  std::uint8_t events_;
};

struct RawPair {
  RawPair() {
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) == 0);
  }
  ~RawPair() {
    for (const int fd : fds) {
      if (fd >= 0) {
        ::close(fd);
      }
    }
  }
  void close(std::size_t i) { ::close(std::exchange(fds[i], -1)); }
  std::array<int, 2> fds{-1, -1};
};

FdWatch& open_watch(int fd) {
  std::error_code error;
  FdWatch* watch = FdWatch::open(Loop::current(), fd, error);
  REQUIRE(watch != nullptr);
  return *watch;
}

}  // namespace

TEST_SUITE("watch") {
  TEST_CASE("a descriptor is registered at the first EAGAIN only") {
    run([]() -> Coro<> {
      auto [a, b] = co_await tcp_pair();
      co_await many_polls();
      const std::uint64_t before = callbacks();
      for (int i = 0; i < 10; ++i) {
        CHECK((co_await a.send("x")).has_value());
        co_await many_polls();
        CHECK((co_await b.recv()).has_value());
      }
      a.close();
      CHECK((co_await b.recv()).error() == Errc::end_of_stream);
      co_await many_polls();
      CHECK(callbacks() - before <= 2);  // (what is left of connect)
    }());
  }

  TEST_CASE("it stays armed from one message to the next") {
    run([]() -> Coro<> {
      RawPair pair;
      FdWatch& watch = open_watch(pair.fds[0]);
      CHECK(watch.armed() == 0);
      const std::uint64_t before = callbacks();
      for (int i = 0; i < 5; ++i) {
        Task<> reader = spawn([&]() -> Coro<> {
          co_await Readiness(watch, FdWatch::Op::recv, FdWatch::kReadable);
          char byte = 0;
          CHECK(::read(pair.fds[0], &byte, 1) == 1);
          watch.drained(FdWatch::kReadable);
        });
        co_await settle();
        CHECK(watch.armed() == FdWatch::kReadable);
        CHECK(::write(pair.fds[1], "x", 1) == 1);
        co_await reader;
        CHECK(watch.armed() == FdWatch::kReadable);
      }
      CHECK(callbacks() - before == 5);
      watch.close();
    }());
  }

  TEST_CASE(
      "an unclaimed callback is forgiven once, then its direction is disarmed, the other kept") {
    run([]() -> Coro<> {
      RawPair pair;
      FdWatch& watch = open_watch(pair.fds[0]);
      std::string filler(1 << 20, 'x');
      while (::write(pair.fds[0], filler.data(), filler.size()) > 0) {
      }
      Task<> writer = spawn(
          [&]() -> Coro<> { co_await Readiness(watch, FdWatch::Op::send, FdWatch::kWritable); });
      Task<> reader = spawn(
          [&]() -> Coro<> { co_await Readiness(watch, FdWatch::Op::recv, FdWatch::kReadable); });
      co_await settle();
      CHECK(watch.armed() == kBothWays);
      const std::uint64_t before = callbacks();
      CHECK(::write(pair.fds[1], "x", 1) == 1);
      co_await reader;  // claimed, but the byte stays there and nobody comes back
      co_await many_polls();
      CHECK(callbacks() - before == 3);  // claimed, forgiven, disarmed
      CHECK(watch.armed() == FdWatch::kWritable);
      CHECK(watch.worth_trying(FdWatch::kReadable));
      CHECK_FALSE(writer.done());
      // It came meanwhile: the next wait doesn't wait.
      bool inline_wake = false;
      Task<> again = spawn([&]() -> Coro<> {
        co_await Readiness(watch, FdWatch::Op::recv, FdWatch::kReadable);
        inline_wake = true;
      });
      co_await settle(2);
      CHECK(inline_wake);
      while (::read(pair.fds[1], filler.data(), filler.size()) > 0) {
      }
      co_await writer;
      watch.close();
    }());
  }

  TEST_CASE("one who comes back within the turn costs no re-arming") {
    run([]() -> Coro<> {
      auto [a, b] = co_await tcp_pair();
      co_await many_polls();
      Task<> echo = spawn([&]() -> Coro<> {
        while (auto chunk = co_await b.recv()) {
          CHECK((co_await b.send(*chunk)).has_value());
        }
      });
      const std::uint64_t before = callbacks();
      for (int i = 0; i < 100; ++i) {
        CHECK((co_await a.send("ping")).has_value());
        CHECK((co_await a.recv())->text() == "ping");
      }
      const std::uint64_t used = callbacks() - before;
      CHECK(used <= 2 * 100 + 4);  // one for each direction
      a.close();
      co_await echo;
    }());
  }

  TEST_CASE("a FIN that nobody reads doesn't spin") {
    run([]() -> Coro<> {
      auto [a, b] = co_await tcp_pair();
      Task<> reader = spawn([&]() -> Coro<> { (void)co_await b.recv(); });
      co_await settle();
      CHECK((co_await a.send("x")).has_value());
      co_await reader;  // READABLE is armed now, and nobody reads
      const std::uint64_t before = callbacks();
      a.shutdown();
      co_await many_polls();
      CHECK(callbacks() - before <= 3);
      CHECK((co_await b.recv()).error() == Errc::end_of_stream);
      co_await many_polls();
      CHECK(callbacks() - before <= 6);
    }());
  }

  TEST_CASE("after the end of the stream READABLE is never armed again, while the writer goes on") {
    run([]() -> Coro<> {
      RawPair pair;
      FdWatch& watch = open_watch(pair.fds[0]);
      std::string filler(1 << 20, 'x');
      while (::write(pair.fds[0], filler.data(), filler.size()) > 0) {
      }
      ::shutdown(pair.fds[1], SHUT_WR);
      watch.end_of_stream();
      Task<> writer = spawn([&]() -> Coro<> {
        co_await Readiness(watch, FdWatch::Op::send, kBothWays);  // as TLS does
      });
      const std::uint64_t before = callbacks();
      co_await many_polls();
      CHECK(watch.armed() == FdWatch::kWritable);
      CHECK(callbacks() - before == 0);
      while (::read(pair.fds[1], filler.data(), filler.size()) > 0) {
      }
      co_await writer;
      watch.close();
    }());
  }

  TEST_CASE("after the end of a stream a blocked sender doesn't spin either") {
    run([]() -> Coro<> {
      auto [a, b] = co_await tcp_pair();
      a.shutdown();
      Task<> reader = spawn([&]() -> Coro<> {
        CHECK((co_await b.recv()).error() == Errc::end_of_stream);
        CHECK((co_await b.recv()).error() == Errc::end_of_stream);
      });
      co_await reader;
      const std::string much = pattern(8 << 20);
      Task<> sender = spawn([&]() -> Coro<> { CHECK((co_await b.send(much)).has_value()); });
      co_await settle(50);
      const std::uint64_t before = callbacks();
      co_await many_polls();
      CHECK(callbacks() - before <= 2);
      CHECK_FALSE(sender.done());
      std::size_t received = 0;
      while (received < much.size()) {
        auto chunk = co_await a.recv();
        REQUIRE(chunk.has_value());
        received += chunk->size();
      }
      co_await sender;
    }());
  }

  TEST_CASE("DISCONNECT is one-shot") {
    run([]() -> Coro<> {
      RawPair pair;
      FdWatch& watch = open_watch(pair.fds[0]);
      Task<> waiter = spawn(
          [&]() -> Coro<> { co_await Readiness(watch, FdWatch::Op::closed, FdWatch::kPeerDone); });
      co_await settle();
      CHECK(watch.armed() == FdWatch::kPeerDone);
      const std::uint64_t before = callbacks();
      ::shutdown(pair.fds[1], SHUT_WR);
      co_await waiter;
      co_await many_polls();
      CHECK(watch.armed() == 0);
      CHECK(callbacks() - before == 1);
      watch.close();
    }());
  }

  TEST_CASE("after an EPOLLERR both sides are woken, and nothing is armed any more") {
    run([]() -> Coro<> {
      auto [a, b] = co_await tcp_pair();
      const int fd = ::dup(b.native_handle());
      FdWatch& watch = open_watch(fd);
      std::string filler(1 << 20, 'x');
      while (::send(fd, filler.data(), filler.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
      }
      Task<> reader = spawn(
          [&]() -> Coro<> { co_await Readiness(watch, FdWatch::Op::recv, FdWatch::kReadable); });
      Task<> writer = spawn(
          [&]() -> Coro<> { co_await Readiness(watch, FdWatch::Op::send, FdWatch::kWritable); });
      co_await settle();
      const std::uint64_t before = callbacks();
      a.close(Stream::CloseMode::abort);
      co_await reader;
      co_await writer;
      co_await many_polls();
      CHECK(watch.armed() == 0);
      CHECK(callbacks() - before == 1);
      watch.close();
      ::close(fd);
    }());
  }

  TEST_CASE("closing a socket that a child process shares leaves nothing behind that spins") {
    run([]() -> Coro<> {
      auto [a, b] = co_await tcp_pair();
      Task<> reader =
          spawn([&]() -> Coro<> { CHECK((co_await b.recv()).error() == Errc::closed); });
      co_await settle();
      const int shared =
          ::dup(b.native_handle());  // as an inherited descriptor: the same description
      b.close();
      co_await reader;
      const std::uint64_t before = callbacks();
      CHECK((co_await a.send("makes it readable")).has_value());
      co_await many_polls();
      CHECK(callbacks() == before);
      // The descriptor's number is used again, and watched.
      auto [c, d] = socket_pair();
      Task<> other = spawn([&]() -> Coro<> {
        auto chunk = co_await c.recv();
        CHECK(chunk->text() == "y");
      });
      co_await settle();
      CHECK((co_await d.send("y")).has_value());
      co_await other;
      co_await many_polls();
      CHECK(callbacks() - before <= 3);
      ::close(shared);
    }());
  }

  TEST_CASE("closing a socket that a forked child holds doesn't spin") {
    run([]() -> Coro<> {
      auto [a, b] = co_await tcp_pair();
      Task<> reader = spawn([&]() -> Coro<> { (void)co_await b.recv(); });
      co_await settle();
      std::array<int, 2> pipe_fds{};
      REQUIRE(::pipe(pipe_fds.data()) == 0);
      const pid_t child = ::fork();
      if (child == 0) {
        char byte = 0;
        ::close(pipe_fds[1]);
        (void)!::read(pipe_fds[0], &byte, 1);
        ::_exit(0);
      }
      ::close(pipe_fds[0]);
      b.close();
      co_await reader;
      const std::uint64_t before = callbacks();
      CHECK((co_await a.send("makes it readable")).has_value());
      co_await many_polls();
      CHECK(callbacks() == before);
      ::close(pipe_fds[1]);
      ::waitpid(child, nullptr, 0);
    }());
  }

  TEST_CASE("a descriptor that can't be watched is an error, not a hang") {
    run([]() -> Coro<> {
      std::error_code error;
      const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
      CHECK(FdWatch::open(Loop::current(), file, error) == nullptr);
      CHECK(error == std::errc::operation_not_permitted);
      ::close(file);
      RawPair pair;
      FdWatch& first = open_watch(pair.fds[0]);
      co_await settle(1);
      first.close();
    }());
  }
}
