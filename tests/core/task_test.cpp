#include <simul/task.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

Coro<int> triple(int value) { co_return value * 3; }
Coro<> say(Trace& trace, std::string word) {
  trace(word);
  co_return;
}

/// What the lessons call a step: everything that happens in a task is said in order.
Coro<> wait_and_say(Trace& trace, Task<>& task, std::string word) {
  co_await task;
  trace(word);
}

}  // namespace

TEST_SUITE("task") {
  TEST_CASE("awaiting a coroutine doesn't cede: a a a b") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      Task<> b = spawn(say(trace, "b"));
      for (int i = 0; i < 3; ++i) {
        co_await say(trace, "a");
      }
      co_await b;
    });
    CHECK(trace.text() == "a a a b");
  }

  TEST_CASE("awaiting a task cedes: b a a a") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      Task<> b = spawn(say(trace, "b"));
      for (int i = 0; i < 3; ++i) {
        co_await spawn(say(trace, "a"));
      }
      co_await b;
    });
    CHECK(trace.text() == "b a a a");
  }

  TEST_CASE("triple and main: the program of the overview gives 17") {
    Trace trace;
    const int result = run_virtual([&]() -> Coro<int> {
      trace("main");
      Task<int> task = spawn(
          [&](int value) -> Coro<int> {
            trace("triple");
            co_return value * 3;
          },
          5);
      trace("awaits");
      const int tripled = co_await task;
      trace("main");
      co_return tripled + 2;
    });
    CHECK(result == 17);
    CHECK(trace.text() == "main awaits triple main");
  }

  TEST_CASE("a finished task wakes its waiter through the ready queue") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      Task<> task;
      Task<> waiter = spawn(wait_and_say(trace, task, "waiter"));
      task = spawn(say(trace, "task"));
      // These are queued before the task runs, so they come before the waiter that it wakes.
      Task<> first = spawn(say(trace, "first"));
      Task<> second = spawn(say(trace, "second"));
      co_await settle();
    });
    CHECK(trace.text() == "task first second waiter");
  }

  TEST_CASE("awaiting a finished task doesn't cede") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      Task<int> task = spawn(triple(2));
      CHECK_FALSE(task.done());
      co_await yield_now();
      CHECK(task.done());
      CHECK(task.state() == TaskState::done);
      spawn(say(trace, "other"));
      CHECK(co_await task == 6);
      trace("main");
      CHECK(co_await task == 6);  // and again
      co_await yield_now();
    });
    CHECK(trace.text() == "main other");
  }

  TEST_CASE("the ready queue is first in, first out") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      auto thrice = [&](std::string word) -> Coro<> {
        for (int i = 0; i < 3; ++i) {
          trace(word);
          co_await yield_now();
        }
      };
      spawn(thrice, "a");
      spawn(thrice, "b");
      spawn(thrice, "c");
      co_await settle(10);
    });
    CHECK(trace.text() == "a b c a b c a b c");
  }

  TEST_CASE("many tasks can wait for one, and wake in the order in which they came") {
    Trace trace;
    std::vector<int> order;
    run_virtual([&]() -> Coro<> {
      Task<int> task = spawn([]() -> Coro<int> {
        co_await sleep(1s);
        co_return 7;
      });
      std::vector<Task<>> waiters;
      for (int i = 0; i < 2000; ++i) {
        waiters.push_back(spawn(
            [&](int n) -> Coro<> {
              CHECK(co_await task == 7);
              order.push_back(n);
            },
            i));
      }
      for (Task<>& waiter : waiters) {
        co_await waiter;
      }
    });
    REQUIRE(order.size() == 2000);
    CHECK(std::is_sorted(order.begin(), order.end()));
  }

  TEST_CASE("a result can be looked at where it is, or moved out") {
    run_virtual([]() -> Coro<> {
      Task<std::unique_ptr<int>> task =
          spawn([]() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(5); });
      std::unique_ptr<int>& there = co_await task;
      CHECK(*there == 5);
      const std::unique_ptr<int> taken = co_await std::move(task);
      CHECK(*taken == 5);
      int target = 0;
      Task<int&> reference = spawn([&]() -> Coro<int&> { co_return target; });
      CHECK(&co_await reference == &target);
    });
  }

  TEST_CASE("dropping the handle neither cancels the task nor loses it") {
    int done = 0;
    run_virtual([&]() -> Coro<> {
      spawn([&]() -> Coro<> {
        co_await sleep(1s);
        ++done;
      });
      {
        Task<> dropped_later = spawn([&]() -> Coro<> {
          co_await sleep(2s);
          ++done;
        });
        co_await yield_now();
      }
      co_await sleep(3s);
    });
    CHECK(done == 2);
  }

  TEST_CASE("a handle may be dropped while its task is awaited") {
    run_virtual([]() -> Coro<> {
      auto task = std::make_unique<Task<int>>(spawn([]() -> Coro<int> {
        co_await sleep(1s);
        co_return 4;
      }));
      Task<int> waiter = spawn([&]() -> Coro<int> { co_return co_await std::move(*task); });
      co_await yield_now();
      task.reset();  // as a session does that removes itself from the map of sessions
      CHECK(co_await waiter == 4);
    });
  }

  TEST_CASE("awaiting a task rethrows what it threw, each time") {
    run_virtual([]() -> Coro<> {
      Task<int> task = spawn([]() -> Coro<int> {
        co_await yield_now();
        throw std::out_of_range("too far");
      });
      CHECK_THROWS_AS(co_await task, std::out_of_range);
      CHECK_THROWS_AS(co_await task, std::out_of_range);
      CHECK(task.state() == TaskState::failed);
    });
  }

  TEST_CASE("a task can't wait for itself") {
    run_virtual([]() -> Coro<> {
      Task<> self;
      bool refused = false;
      self = spawn([&]() -> Coro<> {
        try {
          co_await self;
        } catch (const std::logic_error&) {
          refused = true;
        }
        co_await yield_now();
      });
      co_await self;
      CHECK(refused);
    });
  }

  TEST_CASE("an empty handle says so, whatever it is asked") {
    run([]() -> Coro<> {
      Task<int> empty;
      const char* const text = "a Task that is empty (never assigned, or moved from)";
      CHECK_THROWS_WITH_AS((void)co_await empty, text, std::logic_error);
      CHECK_THROWS_WITH_AS((void)empty.done(), text, std::logic_error);
      CHECK_THROWS_WITH_AS(empty.cancel(), text, std::logic_error);
      CHECK_THROWS_WITH_AS((void)empty.result(), text, std::logic_error);
      CHECK_THROWS_WITH_AS(empty.add_done_callback([](Task<int>&) {}), text, std::logic_error);
      AnyTask any;
      CHECK_THROWS_WITH_AS(co_await any, text, std::logic_error);
      CHECK_THROWS_WITH_AS((void)any.waits_for(), text, std::logic_error);
    }());
  }

  TEST_CASE("a member function is spawned with its object") {
    struct Service {
      Coro<int> answer(int question) { co_return base + question; }
      int base = 0;
    };
    run([]() -> Coro<> {
      Service service{.base = 40};
      CHECK(co_await spawn(&Service::answer, &service, 2) == 42);
    }());
  }

  TEST_CASE("a dump of a deep chain shows where it waits, and not all who do") {
    struct Deep {
      static Coro<> wait(int depth) {
        if (depth > 0) {
          co_await wait(depth - 1);
        } else {
          co_await sleep(1h);
        }
      }
    };
    run([]() -> Coro<> {
      Task<> deep = spawn(Deep::wait, 1000);
      co_await settle();
      const std::string text = AnyTask(deep).waits_for();
      CHECK(text.starts_with("sleep, "));
      CHECK(text.contains(" left at task_test.cpp:"));
      CHECK(text.ends_with(" and others"));
      CHECK(text.size() < 2000);
      deep.cancel();
    }());
  }

  TEST_CASE("a task has a name, for dumps") {
    run_virtual([]() -> Coro<> {
      Task<> task = spawn(sleep_forever());
      CHECK(task.name() == "");
      task.set_name("sleeper");
      CHECK(task.name() == "sleeper");
      co_await yield_now();
      const std::vector<AnyTask> tasks = Loop::current().all_tasks();
      REQUIRE(tasks.size() == 2);
      bool found = false;
      for (const AnyTask& info : tasks) {
        if (info.name() == "sleeper") {
          found = true;
          CHECK(info.waits_for().starts_with("sleep at harness.hpp:"));
        }
      }
      CHECK(found);
    });
  }

  TEST_CASE("a dump shows the chain of awaits, with file and line") {
    run_virtual([]() -> Coro<> {
      auto inner = []() -> Coro<> { co_await sleep(1h); };
      auto outer = [&]() -> Coro<> { co_await inner(); };
      Task<> task = spawn(outer);
      task.set_name("chain");
      co_await yield_now();
      std::string text;
      for (const AnyTask& info : Loop::current().all_tasks()) {
        text += info.name() == "chain" ? info.waits_for() : "";
      }
      CHECK(text.starts_with("sleep, "));
      CHECK(text.contains(" left at task_test.cpp:"));
      CHECK(text.find(", called from task_test.cpp:") != std::string::npos);
    });
  }

  TEST_CASE("the result of a task can be asked for once it has ended, not before") {
    const LogCapture log;
    run_virtual([]() -> Coro<> {
      auto number = []() -> Coro<int> { co_return 3; };
      auto failing = []() -> Coro<int> {
        throw std::out_of_range("no");
        co_return 0;
      };
      Task<int> good = spawn(number);
      Task<int> bad = spawn(failing);
      Task<> endless = spawn(sleep_forever());
      CHECK_THROWS_WITH_AS(good.result(), "the task has not ended: result is not set",
                           InvalidState);
      CHECK_THROWS_AS((void)good.exception(), InvalidState);
      co_await yield_now();
      endless.cancel("enough");
      co_await yield_now();
      CHECK(good.result() == 3);
      CHECK(good.exception() == nullptr);
      CHECK_THROWS_AS(bad.result(), std::out_of_range);
      CHECK(bad.exception() != nullptr);
      CHECK_THROWS_WITH_AS(endless.result(), "cancelled: enough", TaskCancelled);
    });
    CHECK(log.count() == 0);  // it was seen
  }

  TEST_CASE("done callbacks are called in the next turn after the end, in order") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      auto work = [&]() -> Coro<int> {
        trace("work");
        co_return 7;
      };
      Task<int> task = spawn(work);
      task.add_done_callback([&](Task<int>& done) { trace(std::to_string(done.result())); });
      task.add_done_callback([&](Task<int>&) { trace("second"); });
      auto after = [&]() -> Coro<> {
        trace("neighbour");
        co_return;
      };
      Task<> neighbour = spawn(after);
      co_await task;
      trace("waiter");
      task.add_done_callback([&](Task<int>&) { trace("late"); });
      trace("main");
      co_await yield_now();
    });
    CHECK(trace.text() == "work neighbour 7 second waiter main late");
  }

  TEST_CASE("a done callback is called for a cancelled task, and for a dropped handle") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      {
        Task<> task = spawn(sleep_forever());
        task.add_done_callback(
            [&](Task<>& done) { trace(done.state() == TaskState::cancelled ? "cancelled" : "?"); });
        task.cancel();
      }
      co_await settle();
    });
    CHECK(trace.text() == "cancelled");
  }

  TEST_CASE("a detached task's failure goes to its sink, nothing else does") {
    const LogCapture log;
    Trace trace;
    run_virtual([&]() -> Coro<> {
      auto fail = []() -> Coro<int> {
        co_await yield_now();
        throw std::out_of_range("gone");
      };
      auto sink = [&](const std::exception_ptr& error) { trace(describe(error)); };
      spawn(fail).detach(sink);
      spawn(sleep_for(1s)).detach(sink);
      Task<> cancelled = spawn(sleep_forever());
      cancelled.cancel();
      std::move(cancelled).detach(sink);
      CHECK_FALSE(bool(cancelled));
      co_await sleep(2s);
    });
    CHECK(trace.text() == "gone");
    CHECK(log.count() == 0);
  }

  TEST_CASE("current_task and all_tasks: handles to look at, cancel and await") {
    run_virtual([]() -> Coro<> {
      const AnyTask self = current_task();
      std::vector<Task<>> sleepers;
      for (int i = 0; i < 3; ++i) {
        sleepers.push_back(spawn(sleep_forever()));
      }
      CHECK(AnyTask(sleepers[0]) != self);
      co_await yield_now();
      std::vector<AnyTask> tasks = all_tasks();
      CHECK(tasks.size() == 4);
      for (AnyTask& task : tasks) {
        if (task != self) {
          task.cancel("everybody out");
        }
      }
      for (const AnyTask& task : tasks) {
        if (task != self) {
          bool told = false;
          try {
            co_await task;
          } catch (const TaskCancelled&) {
            told = true;
          }
          CHECK(told);
          CHECK(task.state() == TaskState::cancelled);
        }
      }
      CHECK(all_tasks().size() == 1);
      CHECK(current_task() == self);
    });
    CHECK_THROWS_AS((void)current_task(), std::logic_error);
    CHECK_THROWS_AS((void)all_tasks(), std::logic_error);
  }

  TEST_CASE("outside of a task there is no current one") {
    run_virtual([]() -> Coro<> {
      Loop::current().call_soon([] { CHECK_THROWS_AS((void)current_task(), std::logic_error); });
      co_await yield_now();
    });
  }

  TEST_CASE("a lambda's captures and arguments are kept until the task ends") {
    int alive = 0;
    run_virtual([&]() -> Coro<> {
      Task<> task;
      {
        const Witness witness(alive);
        task = spawn(
            [witness](Witness by_value, std::string text) -> Coro<> {
              co_await sleep(1s);
              CHECK(*witness.alive_ >= 2);
              CHECK(*by_value.alive_ >= 2);
              CHECK(text == "kept");
            },
            witness, "kept");
      }
      CHECK(alive > 0);
      co_await task;
      CHECK(alive == 0);
    });
  }

  TEST_CASE("a task that ends frees its frame before its waiter goes on") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      Task<> task = spawn(
          [&](Farewell) -> Coro<> {
            trace("body");
            co_await yield_now();
          },
          Farewell(trace, "frame"));
      co_await task;
      trace("waiter");
    });
    CHECK(trace.text() == "body frame waiter");
  }

  TEST_CASE("spawning outside of a loop is an error") {
    CHECK_THROWS_AS(spawn(triple(1)), std::logic_error);
    CHECK(Loop::current_or_null() == nullptr);
    CHECK_THROWS_AS((void)Loop::current(), std::logic_error);
  }
}

TEST_SUITE("task failures") {
  TEST_CASE("a failure that nobody can see any more is reported when it happens") {
    const LogCapture log;
    run_virtual([&]() -> Coro<> {
      spawn([]() -> Coro<> {
        co_await sleep(1s);
        throw std::runtime_error("lost");
      }).set_name("orphan");
      co_await sleep(999ms);
      CHECK(log.count() == 0);
      co_await sleep(2ms);
      CHECK(log.count() == 1);
      CHECK(log.all().contains(
          "error: task 'orphan' failed and nobody waits for it: lost; thrown at "));
      CHECK(log.all().contains("task_test.cpp"));
    });
    CHECK(log.count() == 1);
  }

  TEST_CASE("a failure is reported when the last handle is dropped unseen") {
    const LogCapture log;
    run_virtual([&]() -> Coro<> {
      {
        Task<> task = spawn([]() -> Coro<> {
          throw std::runtime_error("held");
          co_return;
        });
        co_await settle();
        CHECK(task.done());
        CHECK(log.count() == 0);
      }
      CHECK(log.count() == 1);
    });
  }

  TEST_CASE("a failure that was awaited isn't reported") {
    const LogCapture log;
    run_virtual([&]() -> Coro<> {
      Task<> task = spawn([]() -> Coro<> {
        throw std::runtime_error("seen");
        co_return;
      });
      CHECK_THROWS_AS(co_await task, std::runtime_error);
    });
    CHECK(log.count() == 0);
  }

  TEST_CASE("a failure whose waiter was cancelled meanwhile is reported") {
    const LogCapture log;
    run_virtual([&]() -> Coro<> {
      auto task = std::make_unique<Task<>>(spawn([]() -> Coro<> {
        co_await sleep(1s);
        throw std::runtime_error("unseen");
      }));
      Task<> waiter = spawn([&]() -> Coro<> { co_await *task; });
      co_await yield_now();
      waiter.cancel();
      CHECK_THROWS_AS(co_await waiter, TaskCancelled);
      task.reset();
      co_await sleep(2s);
      CHECK(log.count() == 1);
    });
  }

  TEST_CASE("a cancelled task isn't a failure: nothing is reported") {
    const LogCapture log;
    run_virtual([&]() -> Coro<> {
      spawn(sleep_forever()).cancel();
      Task<> started = spawn(sleep_forever());
      co_await yield_now();
      started.cancel();
    });
    CHECK(log.count() == 0);
  }

  TEST_CASE("the main coroutine's failure is thrown and not reported") {
    const LogCapture log;
    auto fails = []() -> Coro<> {
      throw std::runtime_error("main");
      co_return;
    };
    CHECK_THROWS_AS(run_virtual(fails), std::runtime_error);
    CHECK(log.count() == 0);
  }

  TEST_CASE("failures of any type have a text") {
    const LogCapture log;
    run_virtual([&]() -> Coro<> {
      spawn([]() -> Coro<> {
        throw 5;
        co_return;
      });
      co_await settle();
    });
    CHECK(log.all().contains(
        "error: a task failed and nobody waits for it: unknown exception; thrown at "));
  }
}
