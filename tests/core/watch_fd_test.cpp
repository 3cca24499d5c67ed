#include <simul/watch_fd.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "polls.hpp"

using namespace simul;
using namespace simul::test;

namespace {

/// Two descriptors: the ends of a pipe, or of a socket pair.
struct Fds {
  enum Kind { pipe, sockets };
  explicit Fds(Kind kind) {
    const int status = kind == pipe
                           ? ::pipe2(fds.data(), O_CLOEXEC)
                           : ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data());
    REQUIRE(status == 0);
  }
  Fds(const Fds&) = delete;
  Fds& operator=(const Fds&) = delete;
  ~Fds() {
    close(0);
    close(1);
  }
  void close(std::size_t i) {
    if (fds[i] >= 0) {
      ::close(std::exchange(fds[i], -1));
    }
  }
  int operator[](std::size_t i) const { return fds[i]; }
  std::array<int, 2> fds{-1, -1};
};

void put(int fd) { CHECK(::write(fd, "x", 1) == 1); }
void take(int fd) {
  char byte = 0;
  CHECK(::read(fd, &byte, 1) == 1);
}

/// Does the loop's epoll still watch it?
bool watched(int fd) {
  const int epoll = uv_backend_fd(detail::LoopAccess::reactor(Loop::current()).uv());
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(epoll));
  std::string word;
  while (info >> word) {
    int number = 0;
    if (word == "tfd:" && info >> number && number == fd) {
      return true;
    }
  }
  return false;
}

/// A task that waits, and what came of it.
struct Waiting {
  enum Direction { reading, writing };
  Waiting(int fd, Direction direction)
      : task(spawn([this, fd, direction]() -> Coro<> {
          const auto ready =
              direction == reading ? co_await wait_readable(fd) : co_await wait_writable(fd);
          error = ready ? std::error_code() : ready.error();
        })) {}
  std::error_code error;
  Task<> task;
};

}  // namespace

TEST_SUITE("wait for a descriptor") {
  TEST_CASE("a pipe is waited for at both ends") {
    run([]() -> Coro<> {
      Fds fds(Fds::pipe);
      CHECK((co_await wait_writable(fds[1])).has_value());
      Waiting reader(fds[0], Waiting::reading);
      co_await many_polls();
      CHECK_FALSE(reader.task.done());
      CHECK(watched(fds[0]));
      put(fds[1]);
      co_await reader.task;
      CHECK_FALSE(reader.error);
      CHECK_FALSE(watched(fds[0]));
      take(fds[0]);
      Waiting end(fds[0], Waiting::reading);
      co_await settle();
      fds.close(1);
      co_await end.task;
      CHECK_FALSE(end.error);  // the read will tell
    }());
  }

  TEST_CASE("one may wait to read and another to write; each goes when its turn has come") {
    run([]() -> Coro<> {
      Fds fds(Fds::sockets);
      const std::string filler(1 << 20, 'x');
      while (::send(fds[0], filler.data(), filler.size(), MSG_DONTWAIT) > 0) {
      }
      Waiting reader(fds[0], Waiting::reading);
      Waiting writer(fds[0], Waiting::writing);
      co_await many_polls();
      CHECK_FALSE(reader.task.done());
      CHECK_FALSE(writer.task.done());
      put(fds[1]);
      co_await reader.task;
      take(fds[0]);
      CHECK_FALSE(writer.task.done());
      CHECK(watched(fds[0]));
      Waiting again(fds[0], Waiting::reading);  // what was reported before is old news
      co_await many_polls();
      CHECK_FALSE(again.task.done());
      std::string sink(1 << 20, ' ');
      while (::recv(fds[1], sink.data(), sink.size(), MSG_DONTWAIT) > 0) {
      }
      co_await writer.task;
      CHECK_FALSE(again.task.done());
      put(fds[1]);
      co_await again.task;
      CHECK_FALSE(watched(fds[0]));
    }());
  }

  TEST_CASE("what can't be waited for is a value: closed, a regular file, watched already") {
    run([]() -> Coro<> {
      CHECK((co_await wait_readable(-1)).error() == std::errc::bad_file_descriptor);
      Fds fds(Fds::pipe);
      const int closed = fds[0];
      fds.close(0);
      CHECK((co_await wait_readable(closed)).error() == std::errc::bad_file_descriptor);
      const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
      CHECK((co_await wait_readable(file)).error() == std::errc::operation_not_permitted);
      ::close(file);

      auto [a, b] = socket_pair();
      Task<> reader = spawn([&]() -> Coro<> { CHECK((co_await a.recv())->text() == "x"); });
      co_await settle();
      CHECK((co_await wait_writable(a.native_handle())).error() ==
            std::errc::device_or_resource_busy);
      CHECK((co_await b.send("x")).has_value());
      co_await reader;  // was not disturbed
    }());
  }

  TEST_CASE("a stream whose descriptor somebody waits for gets an error, and no silence") {
    run([]() -> Coro<> {
      auto [a, b] = socket_pair();
      Waiting foreign(a.native_handle(), Waiting::reading);
      co_await settle();
      CHECK((co_await a.recv()).error() == std::errc::file_exists);
      CHECK((co_await b.send("x")).has_value());
      co_await foreign.task;
      CHECK((co_await a.recv())->text() == "x");
    }());
  }

  TEST_CASE("so does one that was idle when the other began to wait") {
    run([]() -> Coro<> {
      auto [a, b] = socket_pair();
      CHECK_FALSE(co_await move_on_after(1ms, [&]() -> Coro<> { (void)co_await a.recv(); }));
      CHECK((co_await b.send("x")).has_value());
      co_await many_polls();  // nobody reads: its watch is disarmed
      CHECK((co_await a.recv())->text() == "x");
      Waiting foreign(a.native_handle(), Waiting::reading);
      co_await settle();
      CHECK((co_await a.recv()).error() == std::errc::file_exists);
      CHECK((co_await b.send("y")).has_value());
      co_await foreign.task;
      CHECK((co_await a.recv())->text() == "y");
    }());
  }

  TEST_CASE("a second one who waits for the same is an error of the program") {
    run([]() -> Coro<> {
      Fds fds(Fds::pipe);
      Waiting reader(fds[0], Waiting::reading);
      co_await settle();
      CHECK_THROWS_AS((void)co_await wait_readable(fds[0]), std::logic_error);
      put(fds[1]);
      co_await reader.task;
    }());
  }

  TEST_CASE("a wait that was cancelled leaves nothing watched") {
    run([]() -> Coro<> {
      Fds fds(Fds::pipe);
      CHECK_FALSE(
          co_await move_on_after(1ms, [&]() -> Coro<> { (void)co_await wait_readable(fds[0]); }));
      CHECK_FALSE(watched(fds[0]));
    }());
  }

  TEST_CASE("its flags stay as they are") {
    run([]() -> Coro<> {
      Fds fds(Fds::pipe);
      const int before = ::fcntl(fds[1], F_GETFL);
      CHECK((before & O_NONBLOCK) == 0);
      CHECK((co_await wait_writable(fds[1])).has_value());
      CHECK(::fcntl(fds[1], F_GETFL) == before);
    }());
  }

  TEST_CASE("afterwards the owner may close it, and its number may come back as something else") {
    run([]() -> Coro<> {
      for (int i = 0; i < 3; ++i) {
        Fds fds(Fds::pipe);
        put(fds[1]);
        CHECK((co_await wait_readable(fds[0])).has_value());
        const int copy = ::dup(fds[0]);  // keeps the file alive: epoll would go on reporting it
        fds.close(0);
        const std::uint64_t before = callbacks();
        co_await many_polls();
        CHECK(callbacks() == before);
        ::close(copy);
      }
    }());
  }

  TEST_CASE("a reset socket wakes both, whoever waits") {
    run([]() -> Coro<> {
      auto [a, b] = co_await tcp_pair();
      const int fd = b.release();
      const std::string filler(1 << 20, 'x');
      while (::send(fd, filler.data(), filler.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
      }
      Waiting reader(fd, Waiting::reading);
      Waiting writer(fd, Waiting::writing);
      co_await settle();
      a.close(Stream::CloseMode::abort);
      co_await reader.task;
      co_await writer.task;
      CHECK_FALSE(watched(fd));
      ::close(fd);
    }());
  }

  TEST_CASE("cancelled anywhere, nothing is left watched, and the other direction goes on") {
    const std::size_t rounds = cancel_everywhere([](Cut& cut) -> Coro<> {
      Fds fds(Fds::sockets);
      const std::string filler(1 << 20, 'x');
      while (::send(fds[0], filler.data(), filler.size(), MSG_DONTWAIT) > 0) {
      }
      Waiting writer(fds[0], Waiting::writing);
      auto victim = [&]() -> Coro<> {
        for (int i = 0; i < 3; ++i) {
          const auto ready = co_await wait_readable(fds[0]);
          CHECK(ready.has_value());
          take(fds[0]);
        }
      };
      Task<> feeder = spawn([&]() -> Coro<> {
        for (int i = 0; i < 3; ++i) {
          co_await sleep(1s);
          put(fds[1]);
        }
      });
      co_await cut.run(victim);
      CHECK_FALSE(writer.task.done());
      std::string sink(1 << 20, ' ');
      while (::recv(fds[1], sink.data(), sink.size(), MSG_DONTWAIT) > 0) {
      }
      co_await writer.task;
      CHECK_FALSE(watched(fds[0]));
      co_await feeder;
    });
    CHECK(rounds > 5);
  }
}
