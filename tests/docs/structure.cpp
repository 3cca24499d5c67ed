// The programs of docs/runtime/structure.md.
#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <simul/simul.hpp>
#include <simul/testing.hpp>

using namespace simul;
using namespace std::chrono_literals;

namespace {

template <typename Fn>
auto run_virtual(Fn fn) {
  VirtualClock clock;
  Loop loop(clock);
  return loop.run_until_complete(fn());
}

Coro<> serve(std::string name, std::vector<std::string>& served) {
  co_await sleep(1s);
  served.push_back(std::move(name));
}

// [start]
Coro<> run_database(Started<int> started) {
  co_await sleep(2s);  // opens its files
  started(5432);       // start() gives this; from here on it is a child like any other
  co_await sleep_until(kNever);
}

Coro<> run_program() {
  co_await with_group([](TaskGroup& group) -> Coro<> {
    const int port = co_await group.start<int>(run_database);
    CHECK(port == 5432);
    group.cancel("the program is done");
  });
}
// [/start]

}  // namespace

TEST_SUITE("docs: structure") {
  TEST_CASE("group") {
    std::vector<std::string> served;
    run_virtual([&]() -> Coro<> {
      // [group]
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        group.spawn(serve("left", served));
        group.spawn(serve("right", served));
        co_return;
      });
      CHECK(served.size() == 2);  // both have ended
      // [/group]
    });
  }

  TEST_CASE("start") { run_virtual(run_program); }

  TEST_CASE("deadlines") {
    run_virtual([]() -> Coro<> {
      auto fetch = []() -> Coro<int> {
        co_await sleep(3s);
        co_return 42;
      };
      // [deadlines]
      std::optional<int> quick = co_await move_on_after(2s, fetch);  // nothing: 2 s weren't enough
      int patient = co_await fail_after(5s, fetch);                  // else it throws TimedOut
      const TimePoint closing_time = Loop::current().now() + 1h;
      bool closed =
          !co_await move_on_at(closing_time, []() -> Coro<> { co_await sleep_until(kNever); });
      // [/deadlines]
      CHECK_FALSE(quick.has_value());
      CHECK(patient == 42);
      CHECK(closed);
    });
  }

  TEST_CASE("moved") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      std::size_t received = 0;
      Task<> sender = spawn(
          [](MemoryStream& to) -> Coro<> {
            for (int i = 0; i < 5; ++i) {
              (void)co_await to.send("tick");
              co_await sleep(20s);
            }
          },
          std::ref(far));
      // [moved]
      auto receive = [&](DeadlineScope& scope) -> Coro<> {
        while (auto chunk = co_await near.recv()) {
          received += chunk->size();
          scope.set_deadline(Loop::current().now() + 30s);  // idle for 30 s, not 30 s in all
        }
      };
      const bool ended = co_await move_on_after(30s, receive);
      // [/moved]
      CHECK_FALSE(ended);
      CHECK(received == 20);
      co_await sender;
    });
  }

  TEST_CASE("on exit") {
    auto [peer, far] = memory_stream_pair();
    run_virtual([&]() -> Coro<> {
      // [on-exit]
      auto say_goodbye = [&]() -> Coro<> { (void)co_await peer.send("bye"); };
      const bool ended = co_await move_on_after(5s, [&]() -> Coro<> {
        co_await on_exit(1s, say_goodbye, [&]() -> Coro<> {
          (void)co_await peer.recv();  // cut off by the deadline: the goodbye is sent all the same
        });
      });
      // [/on-exit]
      CHECK_FALSE(ended);
      auto chunk = co_await far.recv();
      CHECK(chunk->text() == "bye");
    });
  }
}
