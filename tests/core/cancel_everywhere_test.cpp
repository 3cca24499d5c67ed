// Cancels an operation at its first suspension, at its second, and so on until it gets to its end uncut,
// and asks each time whether something was lost. One step is one turn of the loop.
#include <array>
#include <functional>
#include <string>
#include <vector>

#include <simul/signals.hpp>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

/// Runs `victim` in a task and cancels it after `turns` turns. True: it came to its end before.
Coro<bool> run_cut_after(int turns, std::function<Coro<>()> victim) {
  Task<> task = spawn(victim);
  for (int i = 0; i < turns && !task.done(); ++i) {
    co_await yield_now();
  }
  task.cancel("cut");
  try {
    co_await task;
  } catch (const TaskCancelled&) {
    co_return false;
  }
  co_return true;
}

/// `round(turns)` sets a stage, runs its victim with run_cut_after, and checks; it says whether the
/// victim came to its end. Repeated with 0, 1, 2 ... turns until it does, several times.
Coro<> at_every_step(std::function<Coro<bool>(int)> round, int at_most = 400) {
  int ended = 0;
  int turns = 0;
  for (; ended < 3 && turns < at_most; ++turns) {
    CAPTURE(turns);
    if (co_await round(turns)) {
      ++ended;
    }
  }
  CHECK(ended == 3);  // else nothing was tried
  CHECK(turns > 3);   // else nothing was cut
}

Coro<std::string> drain(Stream& stream) {
  std::string text;
  while (auto chunk = co_await stream.recv()) {
    text += chunk->text();
  }
  co_return text;
}

}  // namespace

TEST_SUITE("cancel at every step") {
  TEST_CASE("recv: what wasn't given is still there") {
    run([]() -> Coro<> {
      const std::size_t fds = open_fds();
      co_await at_every_step([](int turns) -> Coro<bool> {
        auto [a, b] = socket_pair();
        const std::string all = pattern(500);
        std::string got;
        Task<> sender = spawn([&]() -> Coro<> {
          for (std::size_t i = 0; i < all.size(); i += 50) {
            CHECK((co_await a.send(std::string_view(all).substr(i, 50))).has_value());
            co_await yield_now();
          }
          a.shutdown();
        });
        const bool ended = co_await run_cut_after(turns, [&]() -> Coro<> {
          while (auto chunk = co_await b.recv()) {
            got += chunk->text();
          }
        });
        co_await sender;
        got += co_await drain(b);
        CHECK(got == all);
        co_return ended;
      });
      CHECK(open_fds() == fds);
    }());
  }

  TEST_CASE("send: what arrives is what the stream says it took, and no more comes after a cut") {
    run([]() -> Coro<> {
      co_await at_every_step([](int turns) -> Coro<bool> {
        auto [a, b] = memory_stream_pair(64);
        const std::string all = pattern(1000);
        std::string got;
        Task<> reader = spawn([&]() -> Coro<> {
          while (auto chunk = co_await b.recv()) {
            got += chunk->text();
            co_await yield_now();
          }
        });
        const bool ended = co_await run_cut_after(turns, [&]() -> Coro<> {
          auto sent = co_await a.send(all);
          CHECK(sent.has_value());
        });
        const bool whole = a.bytes_accepted() == 0 || a.bytes_accepted() == all.size();
        auto after = co_await a.send("!");
        CHECK(after.has_value() == whole);
        if (!whole) {
          CHECK(after.error() == Errc::broken_stream);
        }
        a.shutdown();
        co_await reader;
        CHECK(got.size() == a.bytes_accepted());
        CHECK(got == (all.substr(0, whole ? a.bytes_accepted() - 1 : a.bytes_accepted()) +
                      (whole ? "!" : "")));
        co_return ended;
      });
    }());
  }

  TEST_CASE("send_some: it is known what went") {
    run([]() -> Coro<> {
      co_await at_every_step([](int turns) -> Coro<bool> {
        auto [a, b] = memory_stream_pair(64);
        const std::string all = pattern(1000);
        std::string got;
        std::size_t sent = 0;
        Task<> reader = spawn([&]() -> Coro<> {
          while (auto chunk = co_await b.recv()) {
            got += chunk->text();
            co_await yield_now();
          }
        });
        const bool ended = co_await run_cut_after(turns, [&]() -> Coro<> {
          while (sent < all.size()) {
            auto count = co_await a.send_some(as_bytes(all).subspan(sent));
            sent += count.value();
          }
        });
        while (sent < all.size()) {  // goes on where it was cut
          auto count = co_await a.send_some(as_bytes(all).subspan(sent));
          sent += count.value();
        }
        a.shutdown();
        co_await reader;
        CHECK(got == all);
        co_return ended;
      });
    }());
  }

  TEST_CASE("accept: no connection is lost, no descriptor leaks") {
    run([]() -> Coro<> {
      const std::size_t fds = open_fds();
      co_await at_every_step([](int turns) -> Coro<bool> {
        SocketListener listener = listen(*Endpoint::parse("127.0.0.1:0"));
        int accepted = 0;
        Task<> connector = spawn([&]() -> Coro<> {
          for (int i = 0; i < 5; ++i) {
            auto client = co_await connect(listener.local_endpoint());
            CHECK(client.has_value());
            co_await yield_now();
          }
        });
        const bool ended = co_await run_cut_after(turns, [&]() -> Coro<> {
          while (accepted < 5) {
            auto peer = co_await listener.accept();
            CHECK(peer.has_value());
            ++accepted;
          }
        });
        co_await connector;
        while (accepted < 5) {
          CHECK((co_await listener.accept()).has_value());
          ++accepted;
        }
        CHECK_FALSE(
            co_await move_on_after(100us, [&]() -> Coro<> { (void)co_await listener.accept(); }));
        co_return ended;
      });
      CHECK(open_fds() == fds);
    }());
  }

  TEST_CASE("connect: an attempt that was cut off leaves no descriptor behind") {
    run([]() -> Coro<> {
      SocketListener listener = listen(*Endpoint::parse("127.0.0.1:0"));
      const std::size_t fds = open_fds();
      co_await at_every_step([&](int turns) -> Coro<bool> {
        const bool ended = co_await run_cut_after(turns, [&]() -> Coro<> {
          for (int i = 0; i < 5; ++i) {
            auto client = co_await connect(listener.local_endpoint());
            CHECK(client.has_value());
            co_await yield_now();
          }
        });
        CHECK(open_fds() == fds);
        co_return ended;
      });
    }());
  }

  TEST_CASE("task await: the task goes on, and its result is still there") {
    run_virtual([]() -> Coro<> {
      co_await at_every_step([](int turns) -> Coro<bool> {
        std::vector<Task<int>> tasks;
        for (int i = 0; i < 5; ++i) {
          tasks.push_back(spawn(
              [](int n) -> Coro<int> {
                for (int k = 0; k <= n; ++k) {
                  co_await yield_now();
                }
                co_return n;
              },
              i));
        }
        int sum = 0;
        const bool ended = co_await run_cut_after(turns, [&]() -> Coro<> {
          for (Task<int>& task : tasks) {
            sum += co_await task;
          }
        });
        int all = 0;
        for (Task<int>& task : tasks) {
          all += co_await task;
        }
        CHECK(all == 10);
        CHECK((!ended || sum == 10));
        co_return ended;
      });
    });
  }

  TEST_CASE("group join: no child is left behind") {
    run_virtual([]() -> Coro<> {
      co_await at_every_step([](int turns) -> Coro<bool> {
        int alive = 0;
        int ended_children = 0;
        const std::size_t tasks = Loop::current().task_count();
        const bool ended = co_await run_cut_after(turns, [&]() -> Coro<> {
          co_await with_group([&](TaskGroup& group) -> Coro<> {
            for (int i = 0; i < 4; ++i) {
              group.spawn(
                  [&](Witness, int n) -> Coro<> {
                    for (int k = 0; k < n * 2; ++k) {
                      co_await yield_now();
                    }
                    ++ended_children;
                  },
                  Witness(alive), i);
              co_await yield_now();
            }
          });
        });
        CHECK(alive == 0);
        CHECK(Loop::current().task_count() == tasks);
        CHECK((!ended || ended_children == 4));
        co_return ended;
      });
    });
  }

  TEST_CASE("sleep: no timer is left behind") {
    run_virtual([]() -> Coro<> {
      co_await at_every_step([](int turns) -> Coro<bool> {
        const bool ended = co_await run_cut_after(turns, []() -> Coro<> {
          for (int i = 0; i < 5; ++i) {
            co_await sleep(0s);
            co_await move_on_after(1h, []() -> Coro<> { co_await sleep(0s); });
          }
        });
        const TimePoint start = Loop::current().exact_now();
        co_await sleep(1s);
        CHECK(Loop::current().exact_now() - start == 1s);
        co_return ended;
      });
    });
  }

  TEST_CASE("scopes and shields: what was entered is left") {
    run_virtual([]() -> Coro<> {
      co_await at_every_step([](int turns) -> Coro<bool> {
        int alive = 0;
        int cleaned = 0;
        int entered = 0;
        const bool ended = co_await run_cut_after(turns, [&]() -> Coro<> {
          for (int i = 0; i < 3; ++i) {
            co_await with_scope([&, w = Witness(alive)](CancelScope& scope) -> Coro<> {
              co_await yield_now();
              ++entered;
              co_await shielded(1h, [&]() -> Coro<> {
                co_await yield_now();
                co_await yield_now();
                ++cleaned;
              });
              scope.cancel();
              co_await yield_now();
            });
          }
        });
        CHECK(alive == 0);
        CHECK(cleaned == entered);
        co_return ended;
      });
    });
  }
}
