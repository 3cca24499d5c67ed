#include <simul/run_on.hpp>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include <simul/loop_group.hpp>

#include "harness.hpp"
#include "runner.hpp"

using namespace simul;
using namespace simul::test;

namespace {

Coro<int> triple(int value) { co_return value * 3; }

/// Waits for another thread, on a real clock.
Coro<> until(const std::atomic<bool>& flag) {
  while (!flag) {
    co_await sleep(50us);
  }
}

}  // namespace

TEST_SUITE("run_on") {
  TEST_CASE("a coroutine function runs on the other loop, and its result comes home") {
    Runner other;
    run([](Loop& there) -> Coro<> {
      const std::thread::id here = std::this_thread::get_id();
      CHECK(co_await run_on(there, triple, 5) == 15);
      auto where = []() -> Coro<std::thread::id> {
        co_await yield_now();
        co_return std::this_thread::get_id();
      };
      CHECK(co_await run_on(there, where) != here);
      CHECK(std::this_thread::get_id() == here);
      auto take = [](std::unique_ptr<int> number) -> Coro<std::unique_ptr<int>> {
        co_return number;
      };
      CHECK(*co_await run_on(there, take, std::make_unique<int>(4)) == 4);
      auto fail = []() -> Coro<> {
        throw std::out_of_range("there");
        co_return;
      };
      CHECK_THROWS_AS(co_await run_on(there, fail), std::out_of_range);
    }(*other));
  }

  TEST_CASE("on the current loop it is awaited, without a task") {
    run_virtual([]() -> Coro<> {
      const std::size_t tasks = Loop::current().task_count();
      auto count = []() -> Coro<std::size_t> { co_return Loop::current().task_count(); };
      CHECK(co_await run_on(Loop::current(), count) == tasks);
    });
  }

  TEST_CASE("a cancellation is passed on and waits for the end there") {
    Runner other;
    run([](Loop& there) -> Coro<> {
      std::atomic<bool> started = false;
      std::atomic<bool> go = false;
      std::atomic<bool> ended = false;
      std::string reason;
      Task<> task = spawn([&]() -> Coro<> {
        auto body = [&]() -> Coro<> {
          started = true;
          reason = co_await cancel_reason(sleep_forever());
          auto cleanup = [&]() -> Coro<> { co_await until(go); };
          co_await shielded(1h, cleanup);
          ended = true;
        };
        co_await run_on(there, body);
        CHECK(ended);
        co_await yield_now();
        CHECK(false);
      });
      co_await until(started);
      task.cancel("go home");
      co_await sleep(1ms);
      CHECK_FALSE(task.done());
      go = true;
      CHECK_THROWS_AS(co_await task, TaskCancelled);
      CHECK(ended);
      CHECK(reason == "go home");
    }(*other));
  }

  TEST_CASE("a result that is given all the same wins over the cancellation") {
    Runner other;
    run([](Loop& there) -> Coro<> {
      std::atomic<bool> started = false;
      int result = 0;
      Task<> task = spawn([&]() -> Coro<> {
        auto body = [&]() -> Coro<int> {
          started = true;
          (void)co_await cancel_reason(sleep_forever());
          co_return 7;
        };
        result = co_await run_on(there, body);
        co_await yield_now();
        CHECK(false);
      });
      co_await until(started);
      task.cancel();
      CHECK_THROWS_AS(co_await task, TaskCancelled);
      CHECK(result == 7);
    }(*other));
  }

  TEST_CASE(
      "ended there by the cancellation that was passed on, the caller gets its own Cancelled") {
    Runner other;
    run([](Loop& there) -> Coro<> {
      std::atomic<bool> started = false;
      std::string reason;
      Task<> task = spawn([&]() -> Coro<> {
        auto body = [&]() -> Coro<> {
          started = true;
          co_await sleep_forever();
        };
        reason = co_await cancel_reason(run_on(there, body));
      });
      co_await until(started);
      task.cancel("mine");
      co_await task;
      CHECK(reason == "mine");
    }(*other));
  }

  TEST_CASE("cancelled before it starts there: it never runs, and nobody waits for that loop") {
    Loop there;  // which doesn't run at all
    bool ran = false;
    std::string reason;
    run([](Loop& idle, bool& flag, std::string& text) -> Coro<> {
      Task<> task = spawn([&]() -> Coro<> {
        auto body = [&]() -> Coro<> {
          flag = true;
          co_return;
        };
        text = co_await cancel_reason(run_on(idle, body));
      });
      co_await settle();
      CHECK_FALSE(task.done());
      task.cancel("no patience");
      co_await task;
    }(there, ran, reason));
    CHECK(reason == "no patience");
    there.run_until_complete(settle());
    CHECK_FALSE(ran);
  }

  TEST_CASE("a scope that is cancelled already starts nothing") {
    Loop there;
    run([](Loop& idle) -> Coro<> {
      co_await with_scope([&](CancelScope& scope) -> Coro<> {
        scope.cancel();
        co_await run_on(idle, triple, 1);
      });
    }(there));
    CHECK(there.task_count() == 0);
  }

  TEST_CASE(
      "the end of the other loop ends it: TaskCancelled, for nobody has cancelled the caller") {
    const LogCapture log;
    Runner other;
    run([](Runner& runner) -> Coro<> {
      std::atomic<bool> started = false;
      std::thread ender;
      auto body = [&]() -> Coro<> {
        started = true;
        co_await sleep_forever();
      };
      Task<> task = spawn(
          [&]() -> Coro<> { CHECK_THROWS_AS(co_await run_on(*runner, body), TaskCancelled); });
      co_await until(started);
      ender = std::thread([&] { runner.end(); });
      co_await task;
      ender.join();
    }(other));
  }

  TEST_CASE("cut at any moment: what has begun there has ended before the caller goes on") {
    Runner other;
    run([](Loop& there) -> Coro<> {
      int results = 0;
      for (int i = 0; i < 300; ++i) {
        std::atomic<int> inside = 0;
        Task<> task = spawn([&]() -> Coro<> {
          struct Inside {
            explicit Inside(std::atomic<int>& c) : count(c) { ++count; }
            ~Inside() { --count; }
            std::atomic<int>& count;
          };
          auto body = [&](int turns) -> Coro<int> {
            const Inside here(inside);
            co_await settle(turns);
            co_return 1;
          };
          struct Check {
            ~Check() { CHECK(count == 0); }
            std::atomic<int>& count;
          };
          const Check check{inside};
          results += co_await run_on(there, body, i % 5);
        });
        co_await settle(i % 11);
        if (i % 4 == 0) {
          co_await sleep(20us);
        }
        task.cancel();
        bool cancelled = false;
        try {
          co_await task;
        } catch (const TaskCancelled&) {
          cancelled = true;
        }
        CHECK(inside == 0);
        (void)cancelled;
      }
      CHECK(results >= 0);
      CHECK(co_await run_on(there, triple, 1) == 3);
    }(*other));
  }

  TEST_CASE("loops of a group call each other, all at once") {
    LoopGroup group(3);
    std::atomic<int> sum = 0;
    group.run([&](Loop&, std::size_t index) -> Coro<> {
      for (int i = 0; i < 100; ++i) {
        sum += co_await run_on(group[(index + 1) % 3], triple, i);
      }
    });
    CHECK(sum == 3 * 3 * 4950);
  }
}
