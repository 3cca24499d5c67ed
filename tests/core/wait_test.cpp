#include <simul/wait.hpp>

#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

using Places = std::vector<std::size_t>;

Coro<int> ends(Duration time, int value = 0) {
  co_await sleep(time);
  co_return value;
}

Coro<int> fails(Duration time) {
  co_await sleep(time);
  throw std::runtime_error("failed");
}

template <typename... Coros>
auto tasks_of(Coros... coros) {
  std::vector<Task<int>> tasks;
  (tasks.push_back(spawn(std::move(coros))), ...);
  return tasks;
}

}  // namespace

TEST_SUITE("wait") {
  TEST_CASE("for all: until the last one has ended") {
    run_virtual([]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      auto tasks = tasks_of(ends(3s, 1), ends(1s, 2), ends(2s, 3));
      auto [done, pending] = co_await wait(tasks);
      CHECK(done == Places{0, 1, 2});
      CHECK(pending.empty());
      CHECK(Loop::current().exact_now() - start == 3s);
      CHECK(co_await tasks[1] == 2);  // the results are the tasks'
    });
  }

  TEST_CASE("for the first: done and pending ones in the order of the arguments") {
    run_virtual([]() -> Coro<> {
      auto tasks = tasks_of(ends(3s), ends(1s), ends(2s), ends(1s));
      auto [done, pending] = co_await wait(tasks, WaitFor::first_completed);
      CHECK(done == Places{1, 3});  // that of the same turn is done as well
      CHECK(pending == Places{0, 2});
      CHECK_FALSE(tasks[0].done());  // it cancels nothing
      co_await wait(tasks);
      CHECK(tasks[0].state() == TaskState::done);
    });
  }

  TEST_CASE("for the first exception: a failure, a cancelled task, or all") {
    run_virtual([]() -> Coro<> {
      auto failing = tasks_of(ends(3s), ends(1s), fails(2s));
      auto first = co_await wait(failing, WaitFor::first_exception);
      CHECK(first.done == Places{1, 2});
      CHECK_THROWS_AS(co_await failing[2], std::runtime_error);

      auto cancelled = tasks_of(ends(3s), ends(1h));
      cancelled[1].cancel();
      auto second = co_await wait(cancelled, WaitFor::first_exception);
      CHECK(second.done == Places{1});

      auto good = tasks_of(ends(1s), ends(2s));
      auto third = co_await wait(good, WaitFor::first_exception);
      CHECK(third.done == Places{0, 1});
    });
  }

  TEST_CASE("a time limit ends the wait, not the tasks") {
    run_virtual([]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      auto tasks = tasks_of(ends(3s), ends(1s));
      auto first = co_await wait(tasks, WaitFor::all_completed, 2s);
      CHECK(first.done == Places{1});
      CHECK(first.pending == Places{0});
      CHECK(Loop::current().exact_now() - start == 2s);
      auto none = co_await wait(tasks, WaitFor::all_completed, 0s);
      CHECK(none.pending == Places{0});
      auto rest = co_await wait(tasks, WaitFor::all_completed, 2s);
      CHECK(rest.pending.empty());
      CHECK(Loop::current().exact_now() - start == 3s);
    });
  }

  TEST_CASE("what is the case already doesn't cede") {
    run_virtual([]() -> Coro<> {
      auto tasks = tasks_of(ends(0s), ends(1h));
      co_await sleep(1s);
      bool other = false;
      spawn([&]() -> Coro<> {
        other = true;
        co_return;
      });
      auto result = co_await wait(tasks, WaitFor::first_completed);
      CHECK(result.done == Places{0});
      CHECK_FALSE(other);
      tasks[1].cancel();
    });
  }

  TEST_CASE("a failure that it saw is still to be seen by whoever awaits the task") {
    const LogCapture log;
    run_virtual([]() -> Coro<> {
      auto tasks = tasks_of(fails(1s));
      co_await wait(tasks);
    });
    CHECK(log.count() == 1);
  }

  TEST_CASE("a handle may be dropped, and a task listed twice, while it is waited for") {
    run_virtual([]() -> Coro<> {
      auto tasks = tasks_of(ends(1s), ends(2s));
      auto waiting = spawn([&]() -> Coro<std::size_t> {
        auto result = co_await wait(tasks);
        co_return result.done.size();
      });
      co_await yield_now();
      tasks.clear();
      CHECK(co_await waiting == 2);

      std::vector<Task<int>> one = tasks_of(ends(1s));
      std::vector<detail::TaskBase*> twice(2, &detail::TaskAccess::state(one[0]));
      auto result = co_await wait(twice, WaitFor::first_completed);
      CHECK(result.done == Places{0, 1});
    });
  }

  TEST_CASE("takes spans and arrays") {
    run_virtual([]() -> Coro<> {
      auto tasks = tasks_of(ends(1s), ends(2s), ends(3s));
      const std::span<Task<int>> some(tasks.data(), 2);
      auto result = co_await wait(some);
      CHECK(result.done == Places{0, 1});
      CHECK_FALSE(tasks[2].done());
      Task<> pair[] = {spawn(sleep_for(1s)), spawn(sleep_for(2s))};
      auto both = co_await wait(pair);
      CHECK(both.done == Places{0, 1});
    });
  }

  TEST_CASE("tasks of different types are waited for as AnyTask") {
    run_virtual([]() -> Coro<> {
      Task<int> number = spawn(ends(2s, 1));
      Task<> nothing = spawn(sleep_for(1s));
      auto first = co_await wait({number, nothing}, WaitFor::first_completed);
      CHECK(first.done == Places{1});
      const std::vector<AnyTask> both{number, nothing};
      co_await wait(both);
      CHECK(co_await number == 1);
    });
  }

  TEST_CASE("nobody to wait for, an empty handle, and oneself are errors") {
    run_virtual([]() -> Coro<> {
      std::vector<Task<int>> none;
      CHECK_THROWS_AS((void)wait(none), std::logic_error);
      std::vector<Task<int>> empty(1);
      CHECK_THROWS_AS((void)wait(empty), std::logic_error);
      std::vector<Task<>> itself;
      bool thrown = false;
      itself.push_back(spawn([&]() -> Coro<> {
        try {
          co_await wait(itself);
        } catch (const std::logic_error&) {
          thrown = true;
        }
      }));
      co_await itself[0];
      CHECK(thrown);
    });
  }

  TEST_CASE("a task of another loop is an error") {
    VirtualClock clock;
    Loop other(clock);
    run_virtual([&]() -> Coro<> {
      std::vector<Task<>> tasks;
      tasks.push_back(spawn(other, [] { return sleep_for(0s); }));
      bool thrown = false;
      try {
        co_await wait(tasks);
      } catch (const std::logic_error&) {
        thrown = true;
      }
      CHECK(thrown);
    });
  }

  TEST_CASE("cancelled everywhere, the tasks go on") {
    for (const WaitFor until :
         {WaitFor::first_completed, WaitFor::first_exception, WaitFor::all_completed}) {
      const std::size_t rounds = cancel_everywhere([&](Cut& cut) -> Coro<> {
        auto tasks = tasks_of(ends(0s, 1), ends(2s, 2), ends(1s, 3));
        std::size_t seen = 0;
        const bool ended = co_await cut.run([&]() -> Coro<> {
          auto first = co_await wait(tasks, until, 1500ms);
          auto all = co_await wait(tasks);
          seen = all.done.size();
        });
        CHECK(ended == (seen == 3));
        int sum = 0;
        for (Task<int>& task : tasks) {
          sum += co_await task;
        }
        CHECK(sum == 6);
        CHECK(Loop::current().task_count() == 1);
      });
      CHECK(rounds >= 4);
    }
  }

  TEST_CASE("ten thousand who wait for one task are cancelled at once") {
    run_virtual([]() -> Coro<> {
      std::vector<Task<int>> tasks = tasks_of(ends(1h));
      std::vector<Task<>> waiters;
      for (int i = 0; i < 10'000; ++i) {
        waiters.push_back(spawn([&]() -> Coro<> { co_await wait(tasks); }));
      }
      co_await yield_now();
      for (Task<>& waiter : waiters) {
        waiter.cancel();
      }
      co_await wait(waiters);
      CHECK(Loop::current().task_count() == 2);
      tasks[0].cancel();
    });
  }
}
