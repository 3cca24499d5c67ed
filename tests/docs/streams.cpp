// The programs of docs/runtime/streams.md.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <doctest/doctest.h>

#include <simul/simul.hpp>
#include <simul/testing.hpp>

using namespace simul;
using namespace std::chrono_literals;

namespace {

template <typename Fn>
void run_virtual(Fn fn) {
  VirtualClock clock;
  Loop loop(clock);
  loop.run_until_complete(fn());
}

// [lines]
Coro<> greet(Stream& peer) {
  while (const auto line = co_await peer.read_line()) {
    const std::string reply = "hello " + *line + "\n";
    if (!co_await peer.send(reply)) {
      co_return;
    }
  }
}
// [/lines]

// [frames]
Coro<std::expected<std::string, std::error_code>> read_frame(Stream& peer) {
  std::array<std::byte, 2> size{};
  if (const auto got = co_await peer.read_exactly(size); !got) {
    co_return std::unexpected(got.error());  // end_of_stream: between two frames, as it should be
  }
  std::string frame(
      std::to_integer<std::size_t>(size[0]) << 8 | std::to_integer<std::size_t>(size[1]), '\0');
  if (const auto got = co_await peer.read_exactly(std::as_writable_bytes(std::span(frame))); !got) {
    co_return std::unexpected(got.error());
  }
  co_return frame;
}
// [/frames]

// [deadlines]
Coro<> echo_impatiently(Stream& peer) {
  for (;;) {
    const auto chunk = co_await peer.recv_until(time_after(Loop::current().now(), 10s));
    if (!chunk) {
      co_return;  // std::errc::timed_out: it has said nothing for ten seconds
    }
    const auto sent = co_await peer.send_until(*chunk, time_after(Loop::current().now(), 5s));
    if (!sent) {
      co_return;  // std::errc::timed_out: it doesn't read its answer
    }
  }
}
// [/deadlines]

// [broadcast]
struct Room {
  void say(std::string text) {
    const auto message = std::make_shared<const std::string>(std::move(text));  // once for all
    for (SendQueue* member : members) {
      member->try_push(message);
    }
  }
  std::vector<SendQueue*> members;
};

Coro<> member(Stream& peer, Room& room) {
  SendQueue queue(peer, {.high_water = 256 << 10, .when_full = WhenFull::close});
  room.members.push_back(&queue);
  const auto both = [&](TaskGroup& group) -> Coro<> {
    group.spawn(queue.run());
    while (const auto line = co_await peer.read_line()) {
      room.say(*line + "\n");
    }
    queue.close();  // what is queued is still sent, and the group waits for that
  };
  const struct Leave {
    ~Leave() { std::erase(room.members, queue); }
    Room& room;
    SendQueue* queue;
  } leave{room, &queue};
  co_await with_group(both);
}
// [/broadcast]

// [file]
Coro<> serve_file(Stream& peer, int file, std::uint64_t size) {
  const std::string head = "size " + std::to_string(size) + "\n";
  if (co_await peer.send(head) && co_await peer.send_file(file, 0, size)) {
    co_await peer.linger(5s);  // the peer gets all of it, whatever it still sends
  }
}
// [/file]

// [foreign]
Coro<std::string> read_pipe(int fd) {
  std::string text;
  std::array<char, 4096> buffer{};
  while (co_await wait_readable(fd)) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got <= 0) {
      break;
    }
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  co_return text;
}
// [/foreign]

}  // namespace

TEST_SUITE("docs: streams") {
  TEST_CASE("lines") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      const Task<> server = spawn(greet(near));
      (void)co_await far.send("Ada\r\nGrace\n");
      far.shutdown();
      CHECK(co_await far.read_line() == "hello Ada");
      CHECK(co_await far.read_line() == "hello Grace");
    });
  }

  TEST_CASE("frames") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      (void)co_await far.send(std::string_view("\0\3abc\0\5de", 9));
      far.shutdown();
      CHECK(co_await read_frame(near) == "abc");
      CHECK((co_await read_frame(near)).error() == Errc::incomplete_read);
    });
  }

  TEST_CASE("deadlines") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair(16);
      Task<> silent = spawn(echo_impatiently(near));
      const TimePoint start = Loop::current().exact_now();
      (void)co_await far.send("hello");
      CHECK((co_await far.recv())->text() == "hello");
      co_await silent;
      CHECK(Loop::current().exact_now() - start == 10s);

      Task<> deaf = spawn(echo_impatiently(near));
      const std::string twice(32, 'x');
      (void)co_await far.send(twice);
      co_await deaf;
      CHECK(Loop::current().exact_now() - start == 15s);
    });
  }

  TEST_CASE("broadcast") {
    run_virtual([]() -> Coro<> {
      Room room;
      auto [a, far_a] = memory_stream_pair();
      auto [b, far_b] = memory_stream_pair();
      Task<> first = spawn(member(a, room));
      Task<> second = spawn(member(b, room));
      co_await yield_now();
      (void)co_await far_a.send("hi\n");
      CHECK(co_await far_a.read_line() == "hi");
      CHECK(co_await far_b.read_line() == "hi");
      far_a.shutdown();
      far_b.shutdown();
      co_await first;
      co_await second;
      CHECK(room.members.empty());
    });
  }

  TEST_CASE("file") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
      Task<> server = spawn(serve_file(near, file, 4));
      CHECK(co_await far.read_line() == "size 4");
      CHECK(co_await far.read_all(100) == "\177ELF");
      far.close();
      co_await server;
      ::close(file);
    });
  }

  TEST_CASE("foreign") {
    run([]() -> Coro<> {
      std::array<int, 2> fds{};
      REQUIRE(::pipe2(fds.data(), O_CLOEXEC) == 0);
      Task<std::string> reader = spawn(read_pipe(fds[0]));
      co_await yield_now();
      CHECK(::write(fds[1], "news", 4) == 4);
      ::close(fds[1]);
      CHECK(co_await reader == "news");
      ::close(fds[0]);
    }());
  }
}
