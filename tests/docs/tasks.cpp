// The snippets of docs/runtime/tasks.md.
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <simul/future.hpp>
#include <simul/simul.hpp>
#include <simul/submit.hpp>
#include <simul/testing.hpp>

using namespace simul;
using namespace std::chrono_literals;

namespace {

// [triple]
Coro<int> triple(int value) { co_return value * 3; }

Coro<int> program() {
  int nine = co_await triple(3);      // runs inline; doesn't cede control
  Task<int> task = spawn(triple(5));  // queued; starts when this task waits for something
  co_return nine + co_await task;     // cedes; woken through the ready queue
}
// [/triple]

}  // namespace

TEST_SUITE("docs: tasks") {
  TEST_CASE("triple") { CHECK(run(program()) == 24); }

  TEST_CASE("cancelling") {
    VirtualClock clock;
    Loop loop(clock);
    bool told = false;
    loop.run_until_complete([](bool& seen) -> Coro<> {
      // [cancel]
      auto napping = []() -> Coro<> { co_await sleep(1h); };
      Task<> nap = spawn(napping);
      nap.cancel("time to get up");
      try {
        co_await nap;
      } catch (const TaskCancelled& cancelled) {  // the nap was cancelled, not this task
        seen = std::string(cancelled.what()) == "cancelled: time to get up";
      }
      // [/cancel]
    }(told));
    CHECK(told);
  }

  TEST_CASE("everybody out") {
    VirtualClock clock;
    Loop loop(clock);
    loop.run_until_complete([]() -> Coro<> {
      auto napping = []() -> Coro<> { co_await sleep(1h); };
      Task<> one = spawn(napping);
      Task<> other = spawn(napping);
      // [everybody]
      for (AnyTask task : all_tasks()) {
        if (task != current_task()) {
          task.cancel("everybody out");
        }
      }
      // [/everybody]
      co_await yield_now();
      CHECK(one.state() == TaskState::cancelled);
      CHECK(other.state() == TaskState::cancelled);
    }());
  }

  TEST_CASE("callbacks and futures") {
    VirtualClock clock;
    Loop running(clock);
    running.run_until_complete([]() -> Coro<> {
      // [future]
      Promise<int> promise;
      Loop& loop = Loop::current();
      CallHandle later = loop.call_later(1s, [&] { promise.set_value(42); });
      CallHandle never = loop.call_later(2s, [] { throw std::logic_error("too late"); });
      never.cancel();
      int value = co_await promise.future();
      // [/future]
      CHECK(value == 42);
      CHECK_FALSE(later.cancelled());
    }());
  }

  TEST_CASE("detach") {
    VirtualClock clock;
    Loop loop(clock);
    std::vector<std::string> errors;
    loop.run_until_complete([](std::vector<std::string>& log_of_errors) -> Coro<> {
      auto refresh_cache = []() -> Coro<> {
        co_await sleep(1s);
        throw std::runtime_error("no cache");
      };
      // [detach]
      spawn(refresh_cache).detach([&](const std::exception_ptr& error) {
        log_of_errors.push_back(describe(error));
      });
      // [/detach]
      co_await sleep(2s);
    }(errors));
    CHECK(errors == std::vector<std::string>{"no cache"});
  }

  TEST_CASE("submit") {
    Loop loop;
    std::jthread thread([&] { loop.run_forever(); });
    // [submit]
    Submission<int> answer = submit(loop, triple, 7);  // from a thread that runs no loop
    int value = answer.get();                          // blocks it until the loop has the result
    // [/submit]
    CHECK(value == 21);
    loop.stop();
  }
}
