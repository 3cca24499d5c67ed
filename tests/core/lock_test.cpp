#include <simul/lock.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "dying.hpp"
#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

/// Locks, says the word, and lets go after so many turns.
Coro<> hold(Lock& lock, Trace& trace, std::string word, int turns = 1) {
  Lock::Guard guard = co_await lock.lock();
  trace(word);
  co_await settle(turns);
}

}  // namespace

TEST_SUITE("lock") {
  TEST_CASE("a free lock is taken without ceding, and free again at the end of the guard") {
    run_virtual([]() -> Coro<> {
      Lock lock;
      bool others_ran = false;
      Task<> other = spawn([&]() -> Coro<> {
        others_ran = true;
        co_return;
      });
      {
        Lock::Guard guard = co_await lock.lock();
        CHECK(guard);
        CHECK(lock.locked());
      }
      CHECK_FALSE(lock.locked());
      CHECK_FALSE(others_ran);
      co_await other;
    });
  }

  TEST_CASE("first come, first served") {
    run_virtual([]() -> Coro<> {
      Lock lock;
      Trace trace;
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        for (const char* word : {"a", "b", "c", "d"}) {
          group.spawn(hold(lock, trace, word, 3));
        }
        co_return;
      });
      CHECK(trace.text() == "a b c d");
    });
  }

  TEST_CASE("the next one has the lock at once: nobody gets in before its turn") {
    run_virtual([]() -> Coro<> {
      Lock lock;
      Trace trace;
      Lock::Guard guard = co_await lock.lock();
      Task<> next = spawn(hold(lock, trace, "next"));
      co_await yield_now();
      guard.unlock();
      CHECK_FALSE(guard);
      CHECK(lock.locked());
      CHECK_FALSE(lock.try_lock());
      Task<> late = spawn(hold(lock, trace, "late"));
      Lock::Guard again = co_await lock.lock();
      trace("again");
      again.unlock();
      co_await next;
      co_await late;
      CHECK(trace.text() == "next again late");
      CHECK_FALSE(lock.locked());
    });
  }

  TEST_CASE("who lets go and locks again at once doesn't starve the others") {
    run_virtual([]() -> Coro<> {
      Lock lock;
      int greedy_turns = 0;
      bool stop = false;
      Task<> greedy = spawn([&]() -> Coro<> {
        while (!stop) {
          Lock::Guard guard = co_await lock.lock();
          ++greedy_turns;
          co_await yield_now();
        }
      });
      co_await yield_now();
      for (int i = 0; i < 10; ++i) {
        Lock::Guard guard = co_await lock.lock();
        CHECK(greedy_turns <= i + 1);
      }
      stop = true;
      co_await greedy;
    });
  }

  TEST_CASE("a task that never has to wait for the lock lets the others run all the same") {
    run_virtual([]() -> Coro<> {
      Lock lock;
      bool stop = false;
      int count = 0;
      Task<> busy = spawn([&]() -> Coro<> {
        while (!stop && count < 1'000'000) {
          Lock::Guard guard = co_await lock.lock();
          ++count;
        }
      });
      co_await yield_now();
      CHECK(count > 1);
      {
        Lock::Guard guard = co_await lock.lock();
      }
      stop = true;
      co_await busy;
      CHECK(count < 1000);
    });
  }

  TEST_CASE("a task whose step was used up and that is cancelled then doesn't lock") {
    run_virtual([]() -> Coro<> {
      Lock lock;
      int count = 0;
      Task<> busy = spawn([&]() -> Coro<> {
        for (;;) {
          Lock::Guard guard = co_await lock.lock();
          ++count;
        }
      });
      co_await yield_now();
      const int before = count;
      busy.cancel();
      co_await settle();
      CHECK(busy.state() == TaskState::cancelled);
      CHECK(count == before);
      CHECK_FALSE(lock.locked());
    });
  }

  TEST_CASE("a task whose step was used up gets in line when another has the lock by then") {
    run_virtual([]() -> Coro<> {
      Lock lock;
      Trace trace;
      bool busy_waits = false;
      Task<> busy = spawn([&]() -> Coro<> {
        for (int i = 0; i < detail::StepBudget::kAttempts; ++i) {
          Lock::Guard guard = co_await lock.lock();
        }
        busy_waits = true;
        Lock::Guard guard = co_await lock.lock();
        trace("busy");
      });
      co_await yield_now();
      CHECK(busy_waits);
      Lock::Guard guard = co_await lock.lock();
      co_await settle();
      CHECK(trace.text().empty());
      guard.unlock();
      co_await busy;
      CHECK(trace.text() == "busy");
    });
  }

  TEST_CASE("try_lock takes a free lock only, and an empty guard holds nothing") {
    Lock lock;
    CHECK_FALSE(Lock::Guard());
    Lock::Guard guard = lock.try_lock();  // outside of any task
    CHECK(guard);
    CHECK_FALSE(lock.try_lock());
    Lock::Guard moved = std::move(guard);
    CHECK(moved);
    CHECK(lock.locked());
    guard = std::move(moved);
    CHECK(lock.locked());
    guard = Lock::Guard();
    CHECK_FALSE(lock.locked());
    CHECK_THROWS_AS(guard.unlock(), std::logic_error);
    CHECK_THROWS_AS(guard.adopt(), std::logic_error);
  }

  TEST_CASE("locking twice would wait for oneself and is an error") {
    run_virtual([]() -> Coro<> {
      Lock lock;
      Lock::Guard guard = co_await lock.lock();
      CHECK_THROWS_AS((void)co_await lock.lock(), std::logic_error);
      CHECK_FALSE(lock.try_lock());
      CHECK(lock.locked());
      guard.unlock();
      guard = co_await lock.lock();
      Task<> other = spawn([&]() -> Coro<> {
        Lock::Guard handed = co_await lock.lock();
        CHECK_THROWS_AS((void)co_await lock.lock(), std::logic_error);
      });
      co_await yield_now();
      guard.unlock();
      co_await other;
    });
  }

  TEST_CASE("a guard may end in another task, which owns the lock when it has adopted it") {
    run_virtual([]() -> Coro<> {
      Lock lock;
      Lock::Guard guard = co_await lock.lock();
      Task<> heir = spawn(
          [&](Lock::Guard inherited) -> Coro<> {
            inherited.adopt();
            co_await sleep(1s);
            CHECK_THROWS_AS((void)co_await lock.lock(), std::logic_error);
          },
          std::move(guard));
      CHECK_THROWS_AS((void)co_await lock.lock(), std::logic_error);  // not adopted yet
      co_await yield_now();
      const TimePoint start = Loop::current().exact_now();
      {
        Lock::Guard again = co_await lock.lock();
      }
      CHECK(Loop::current().exact_now() - start == 1s);
      co_await heir;
      CHECK_FALSE(lock.locked());
    });
  }

  TEST_CASE("no later task is taken for an owner that has ended") {
    run_virtual([]() -> Coro<> {
      Lock lock;
      std::optional<Lock::Guard> kept;
      {
        Task<> owner = spawn([&]() -> Coro<> { kept = co_await lock.lock(); });
        co_await owner;
      }
      // Tasks come from a free list: one of these has the old one's memory, unless it is still held.
      std::vector<Task<>> tasks;
      Trace trace;
      for (int i = 0; i < 5; ++i) {
        tasks.push_back(spawn(hold(lock, trace, "x")));
      }
      co_await yield_now();
      kept.reset();
      for (Task<>& task : tasks) {
        co_await task;
      }
      CHECK(trace.text() == "x x x x x");
    });
  }

  TEST_CASE("a cancelled waiter leaves the line, wherever it stands") {
    for (const int leaves : {0, 1, 2}) {
      CAPTURE(leaves);
      run_virtual([&]() -> Coro<> {
        Lock lock;
        Trace trace;
        Lock::Guard guard = co_await lock.lock();
        std::vector<Task<>> tasks;
        for (const char* word : {"a", "b", "c"}) {
          tasks.push_back(spawn(hold(lock, trace, word)));
        }
        co_await yield_now();
        tasks[static_cast<std::size_t>(leaves)].cancel();
        co_await settle();
        CHECK(tasks[static_cast<std::size_t>(leaves)].state() == TaskState::cancelled);
        guard.unlock();
        co_await settle(10);
        CHECK(trace.text() == (leaves == 0 ? "b c" : leaves == 1 ? "a c" : "a b"));
        CHECK_FALSE(lock.locked());
      });
    }
  }

  TEST_CASE("handed over and then cancelled: it has the lock, and its next await throws") {
    run_virtual([]() -> Coro<> {
      Lock lock;
      Trace trace;
      Lock::Guard guard = co_await lock.lock();
      Task<> task = spawn(hold(lock, trace, "locked"));
      Task<> next = spawn(hold(lock, trace, "next"));
      co_await yield_now();
      guard.unlock();
      task.cancel();
      co_await next;
      CHECK(task.state() == TaskState::cancelled);
      CHECK(trace.text() == "locked next");
      CHECK_FALSE(lock.locked());
    });
  }

  TEST_CASE("cancelled and then let go of: the next one has the lock") {
    run_virtual([]() -> Coro<> {
      Lock lock;
      Trace trace;
      Lock::Guard guard = co_await lock.lock();
      Task<> task = spawn(hold(lock, trace, "locked"));
      Task<> next = spawn(hold(lock, trace, "next"));
      co_await yield_now();
      task.cancel();
      guard.unlock();
      co_await next;
      CHECK(task.state() == TaskState::cancelled);
      CHECK(trace.text() == "next");
    });
  }

  TEST_CASE("a cancelled task locks nothing, not even a free lock") {
    run_virtual([]() -> Coro<> {
      Lock lock;
      Task<> task = spawn([&]() -> Coro<> {
        (co_await detail::this_task).cancel("self");
        auto try_it = [&]() -> Coro<> { Lock::Guard guard = co_await lock.lock(); };
        CHECK(co_await cancel_reason(try_it()) == "self");
        CHECK_FALSE(lock.locked());
      });
      co_await task;
    });
  }

  TEST_CASE("a guard that leaves a cancelled scope holds on") {
    run_virtual([]() -> Coro<> {
      Lock lock;
      Lock::Guard holder = co_await lock.lock();
      Lock::Guard got;
      Task<> waiter = spawn([&]() -> Coro<> {
        const bool in_time = co_await move_on_after(1s, [&]() -> Coro<> {
          got = co_await lock.lock();
          co_await sleep_forever();
        });
        CHECK_FALSE(in_time);
        CHECK(got);
        CHECK(lock.locked());
        got.unlock();
      });
      co_await yield_now();
      holder.unlock();
      co_await waiter;
      CHECK_FALSE(lock.locked());
    });
  }

  TEST_CASE("cut anywhere, no turn is lost and the others go on in order") {
    const std::size_t rounds = cancel_everywhere([](Cut& cut) -> Coro<> {
      Lock lock;
      Trace trace;
      int inside = 0;
      auto others = [&](std::string word) -> Coro<> {
        for (int i = 0; i < 3; ++i) {
          Lock::Guard guard = co_await lock.lock();
          CHECK(++inside == 1);
          co_await yield_now();
          trace(word);
          --inside;
        }
      };
      Task<> a = spawn(others("a"));
      Task<> b = spawn(others("b"));
      co_await cut.run([&]() -> Coro<> {
        for (int i = 0; i < 3; ++i) {
          Lock::Guard guard = co_await lock.lock();
          const Witness witness(inside);
          CHECK(inside == 1);
          co_await yield_now();
        }
      });
      co_await a;
      co_await b;
      CHECK(trace.text() == "a b a b a b");
      CHECK_FALSE(lock.locked());
      CHECK(lock.try_lock());
    });
    CHECK(rounds > 10);
  }

  TEST_CASE("a lock that dies before those who use it ends the program") {
    CHECK(last_words([] {
            auto lock = std::make_unique<Lock>();
            auto* guard = new Lock::Guard(lock->try_lock());
            CHECK(*guard);
            lock.reset();
          }).find("outlives those who hold it") != std::string::npos);
  }
}
