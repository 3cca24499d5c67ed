#include <simul/condition.hpp>

#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "dying.hpp"
#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

/// A lock, a condition over it, and tasks that wait for it.
struct Stage {
  Lock lock;
  Condition condition{lock};
  Trace trace;

  /// Says "a" when it was notified; "a?" when it was cancelled, with the lock held in either case.
  Coro<> wait(std::string word) {
    Lock::Guard guard = co_await lock.lock();
    try {
      co_await condition.wait(guard);
    } catch (const Cancelled&) {
      CHECK(guard);
      CHECK(lock.locked());
      trace(word + "?");
      throw;
    }
    CHECK(guard);
    CHECK(lock.locked());
    trace(word);
  }
  Coro<> notify(std::size_t count = 1) {
    Lock::Guard guard = co_await lock.lock();
    condition.notify(count);
  }
};

}  // namespace

TEST_SUITE("condition") {
  TEST_CASE("wait lets go of the lock, and has it again when it was notified") {
    run_virtual([]() -> Coro<> {
      Stage stage;
      Task<> a = spawn(stage.wait("a"));
      co_await yield_now();
      CHECK_FALSE(stage.lock.locked());
      {
        Lock::Guard guard = co_await stage.lock.lock();
        stage.condition.notify();
        co_await settle();
        CHECK(stage.trace.text().empty());  // the lock is held
      }
      co_await a;
      CHECK(stage.trace.text() == "a");
      CHECK_FALSE(stage.lock.locked());
    });
  }

  TEST_CASE("notify wakes as many as it says, in the order in which they came") {
    run_virtual([]() -> Coro<> {
      Stage stage;
      std::vector<Task<>> tasks;
      for (const char* word : {"a", "b", "c", "d", "e"}) {
        tasks.push_back(spawn(stage.wait(word)));
      }
      co_await settle();
      co_await stage.notify();
      co_await settle();
      CHECK(stage.trace.text() == "a");
      co_await stage.notify(2);
      co_await settle();
      CHECK(stage.trace.text() == "a b c");
      co_await stage.notify(0);
      co_await settle();
      CHECK(stage.trace.text() == "a b c");
      {
        Lock::Guard guard = co_await stage.lock.lock();
        stage.condition.notify_all();
      }
      co_await settle();
      CHECK(stage.trace.text() == "a b c d e");
    });
  }

  TEST_CASE("who was notified is in line for the lock like everybody else") {
    run_virtual([]() -> Coro<> {
      Stage stage;
      Task<> a = spawn(stage.wait("a"));
      co_await yield_now();
      auto locks = [&](std::string word) -> Coro<> {
        Lock::Guard guard = co_await stage.lock.lock();
        stage.trace(word);
      };
      Lock::Guard guard = co_await stage.lock.lock();
      Task<> before = spawn(locks("before"));
      co_await yield_now();
      stage.condition.notify();
      Task<> after = spawn(locks("after"));
      co_await yield_now();
      guard.unlock();
      co_await after;
      co_await a;
      CHECK(stage.trace.text() == "before a after");
    });
  }

  TEST_CASE("a notification that nobody waits for is gone") {
    run_virtual([]() -> Coro<> {
      Stage stage;
      co_await stage.notify();
      Task<> a = spawn(stage.wait("a"));
      co_await settle();
      CHECK(stage.trace.text().empty());
      co_await stage.notify();
      co_await a;
    });
  }

  TEST_CASE("with a predicate the wait is over when that holds, and no earlier") {
    run_virtual([]() -> Coro<> {
      Stage stage;
      int value = 0;
      int asked = 0;
      Task<> task = spawn([&]() -> Coro<> {
        Lock::Guard guard = co_await stage.lock.lock();
        co_await stage.condition.wait(guard, [&] {
          CHECK(stage.lock.locked());
          ++asked;
          return value == 2;
        });
        CHECK(guard);
        co_await stage.condition.wait(guard, [&] { return value == 2; });  // doesn't wait
        stage.trace("two");
      });
      co_await yield_now();
      CHECK(asked == 1);
      for (int i = 1; i <= 2; ++i) {
        CHECK(stage.trace.text().empty());
        Lock::Guard guard = co_await stage.lock.lock();
        value = i;
        stage.condition.notify();
        guard.unlock();
        co_await settle();
        CHECK(asked == i + 1);
      }
      CHECK(stage.trace.text() == "two");
      CHECK_FALSE(stage.lock.locked());
    });
  }

  TEST_CASE("what a predicate throws is thrown by the wait, with the lock held") {
    run_virtual([]() -> Coro<> {
      Stage stage;
      int asked = 0;
      Task<> task = spawn([&]() -> Coro<> {
        Lock::Guard guard = co_await stage.lock.lock();
        CHECK_THROWS_AS(co_await stage.condition.wait(guard,
                                                      [&]() -> bool {
                                                        if (++asked == 2) {
                                                          throw std::out_of_range("asked twice");
                                                        }
                                                        return false;
                                                      }),
                        std::out_of_range);
        CHECK(guard);
        CHECK(stage.lock.locked());
      });
      co_await yield_now();
      co_await stage.notify();
      co_await task;
      CHECK_FALSE(stage.lock.locked());
    });
  }

  TEST_CASE("a predicate may cancel the very wait that asks it") {
    for (const bool holds : {true, false}) {
      CAPTURE(holds);
      run_virtual([&]() -> Coro<> {
        Stage stage;
        int asked = 0;
        Task<> task;
        task = spawn([&]() -> Coro<> {
          Lock::Guard guard = co_await stage.lock.lock();
          co_await stage.condition.wait(guard, [&] {
            if (++asked == 2) {
              task.cancel("by the predicate");
              return holds;
            }
            return false;
          });
          stage.trace("over");
          CHECK(guard);
          co_await yield_now();
        });
        co_await yield_now();
        co_await stage.notify();
        co_await settle();
        CHECK(asked == 2);
        CHECK(task.state() == TaskState::cancelled);
        CHECK(stage.trace.text() == (holds ? "over" : ""));
        CHECK_FALSE(stage.lock.locked());
      });
    }
  }

  TEST_CASE("it is used by who holds the lock") {
    run_virtual([]() -> Coro<> {
      Stage stage;
      Lock other;
      CHECK_THROWS_AS(stage.condition.notify(), std::logic_error);
      CHECK_THROWS_AS(stage.condition.notify_all(), std::logic_error);
      Lock::Guard none;
      CHECK_THROWS_AS(co_await stage.condition.wait(none), std::logic_error);
      CHECK_THROWS_AS(co_await stage.condition.wait(none, [] { return true; }), std::logic_error);
      Lock::Guard wrong = co_await other.lock();
      CHECK_THROWS_AS(co_await stage.condition.wait(wrong), std::logic_error);
      CHECK(wrong);
      Task<> holder = spawn([&]() -> Coro<> {
        Lock::Guard guard = co_await stage.lock.lock();
        co_await settle();
      });
      co_await yield_now();
      CHECK_THROWS_AS(stage.condition.notify(), std::logic_error);  // somebody else holds it
      co_await holder;
    });
  }

  TEST_CASE("the guard holds nothing while its task waits") {
    run_virtual([]() -> Coro<> {
      Stage stage;
      Lock::Guard guard;
      Task<> task = spawn([&]() -> Coro<> {
        guard = co_await stage.lock.lock();
        co_await stage.condition.wait(guard);
        CHECK(guard);
        guard.unlock();
      });
      co_await yield_now();
      CHECK_FALSE(guard);
      CHECK_THROWS_AS(guard.unlock(), std::logic_error);
      co_await stage.notify();
      co_await task;
    });
  }

  TEST_CASE("a cancelled wait has the lock before it throws, however long that takes") {
    run_virtual([]() -> Coro<> {
      Stage stage;
      Task<> a = spawn(stage.wait("a"));
      co_await yield_now();
      Lock::Guard guard = co_await stage.lock.lock();
      a.cancel();
      co_await sleep(24h);
      a.cancel();
      CHECK_FALSE(a.done());
      CHECK(stage.trace.text().empty());
      guard.unlock();
      co_await settle();
      CHECK(a.state() == TaskState::cancelled);
      CHECK(stage.trace.text() == "a?");
      CHECK_FALSE(stage.lock.locked());
    });
  }

  TEST_CASE("a cancelled wait takes a free lock at once") {
    run_virtual([]() -> Coro<> {
      Stage stage;
      Task<> a = spawn(stage.wait("a"));
      co_await yield_now();
      a.cancel();
      CHECK(stage.lock.locked());
      co_await settle();
      CHECK(stage.trace.text() == "a?");
      CHECK_FALSE(stage.lock.locked());
    });
  }

  TEST_CASE("a task that was cancelled before doesn't let go of the lock") {
    run_virtual([]() -> Coro<> {
      Stage stage;
      Task<> task = spawn([&]() -> Coro<> {
        Lock::Guard guard = co_await stage.lock.lock();
        (co_await detail::this_task).cancel("self");
        auto plain = [&]() -> Coro<> { co_await stage.condition.wait(guard); };
        CHECK(co_await cancel_reason(plain()) == "self");
        CHECK(guard);
        auto with_predicate = [&]() -> Coro<> {
          co_await stage.condition.wait(guard, [] { return true; });
        };
        CHECK(co_await cancel_reason(with_predicate()) == "self");
        CHECK(guard);
      });
      co_await task;
      CHECK_FALSE(stage.lock.locked());
    });
  }

  TEST_CASE("a notification goes on to the next one if its waiter is cancelled before its turn") {
    // Between the notification and the turn: still without the lock, or with it.
    for (const bool has_lock : {false, true}) {
      CAPTURE(has_lock);
      run_virtual([&]() -> Coro<> {
        Stage stage;
        Task<> a = spawn(stage.wait("a"));
        Task<> b = spawn(stage.wait("b"));
        Task<> c = spawn(stage.wait("c"));
        co_await settle();
        Lock::Guard guard = co_await stage.lock.lock();
        stage.condition.notify();
        if (has_lock) {
          guard.unlock();
          a.cancel();
        } else {
          a.cancel();
          guard.unlock();
        }
        co_await settle();
        CHECK(stage.trace.text() == "a? b");
        CHECK(a.state() == TaskState::cancelled);
        CHECK_FALSE(c.done());
        co_await stage.notify();
        co_await c;
        CHECK(stage.trace.text() == "a? b c");
      });
    }
  }

  TEST_CASE("a notification of one who was cancelled goes to nobody if nobody waits") {
    run_virtual([]() -> Coro<> {
      Stage stage;
      Task<> a = spawn(stage.wait("a"));
      co_await settle();
      Lock::Guard guard = co_await stage.lock.lock();
      stage.condition.notify();
      a.cancel();
      a.cancel();
      guard.unlock();
      co_await settle();
      CHECK(stage.trace.text() == "a?");
      CHECK_FALSE(stage.lock.locked());
    });
  }

  TEST_CASE("notified after it was cancelled: the next one is") {
    run_virtual([]() -> Coro<> {
      Stage stage;
      Task<> a = spawn(stage.wait("a"));
      Task<> b = spawn(stage.wait("b"));
      co_await settle();
      Lock::Guard guard = co_await stage.lock.lock();
      a.cancel();
      stage.condition.notify();
      guard.unlock();
      co_await b;
      CHECK(stage.trace.text() == "a? b");
    });
  }

  TEST_CASE("a deadline around a wait leaves the lock with the guard outside") {
    run_virtual([]() -> Coro<> {
      Stage stage;
      Lock::Guard guard = co_await stage.lock.lock();
      const bool in_time = co_await move_on_after(
          1s, [&]() -> Coro<> { co_await stage.condition.wait(guard, [] { return false; }); });
      CHECK_FALSE(in_time);
      CHECK(guard);
      CHECK(stage.lock.locked());
    });
  }

  TEST_CASE("the end of the loop frees a waiter that stands in line for the lock") {
    VirtualClock clock;
    Stage stage;
    {
      Loop loop(clock);
      loop.run_until_complete([](Stage& s) -> Coro<> {
        spawn(s.wait("a"));
        co_await yield_now();
        spawn([](Stage& t) -> Coro<> {
          Lock::Guard guard = co_await t.lock.lock();
          co_await sleep_forever();
        }(s));
        co_await yield_now();
      }(stage));
    }
    CHECK(stage.trace.text() == "a?");
    CHECK_FALSE(stage.lock.locked());
  }

  TEST_CASE("cut anywhere, the lock is free in the end and no notification is lost") {
    const std::size_t rounds = cancel_everywhere([](Cut& cut) -> Coro<> {
      constexpr int kItems = 8;
      Stage stage;
      std::deque<int> items;
      int taken = 0;
      auto take_all = [&]() -> Coro<> {
        Lock::Guard guard = co_await stage.lock.lock();
        while (taken < kItems) {
          co_await stage.condition.wait(guard, [&] { return !items.empty() || taken == kItems; });
          if (!items.empty()) {
            items.pop_front();
            ++taken;
          }
        }
        stage.condition.notify_all();  // there won't be any more
      };
      Task<> producer = spawn([&]() -> Coro<> {
        for (int i = 0; i < kItems; ++i) {
          Lock::Guard guard = co_await stage.lock.lock();
          items.push_back(i);
          stage.condition.notify();  // once for each item
          co_await yield_now();      // the notified one has to wait for the lock
          guard.unlock();
          co_await settle(1 + i % 3);
        }
      });
      Task<> other = spawn([&]() -> Coro<> {
        co_await yield_now();  // the victim is the first one to wait
        co_await take_all();
      });
      co_await cut.run([&]() -> Coro<> { co_await take_all(); });
      // One notification lost, and it may wait for ever for an item that lies there.
      const bool all = co_await move_on_after(1h, [&]() -> Coro<> { co_await other; });
      CHECK(all);
      co_await producer;
      CHECK(taken == kItems);
      CHECK(items.empty());
      CHECK_FALSE(stage.lock.locked());
      other.cancel();
      co_await settle();
    });
    CHECK(rounds > 15);
  }

  TEST_CASE("cut anywhere in a plain wait, the next one has the notification") {
    const std::size_t rounds = cancel_everywhere([](Cut& cut) -> Coro<> {
      Stage stage;
      bool woken = false;
      bool notified = false;
      Task<> next;
      Task<> notifier = spawn([&]() -> Coro<> {
        co_await settle(6);
        Lock::Guard guard = co_await stage.lock.lock();
        stage.condition.notify();
        notified = true;
        co_await settle(2);
      });
      const bool ended = co_await cut.run([&]() -> Coro<> {
        Lock::Guard guard = co_await stage.lock.lock();
        next = spawn(stage.wait("next"));
        co_await stage.condition.wait(guard);
        woken = true;
      });
      co_await notifier;
      co_await settle();
      CHECK(ended == woken);
      CHECK(notified);
      CHECK_FALSE(stage.lock.locked());
      if (next) {
        CHECK(next.done() == !woken);
        co_await stage.notify();
        co_await next;
      }
    });
    CHECK(rounds > 8);
  }

  TEST_CASE("a condition that dies while a task waits ends the program") {
    CHECK(last_words([] {
            run_virtual([]() -> Coro<> {
              Lock lock;
              auto condition = std::make_unique<Condition>(lock);
              Task<> task = spawn([&]() -> Coro<> {
                Lock::Guard guard = co_await lock.lock();
                co_await condition->wait(guard);
              });
              co_await yield_now();
              condition.reset();
            });
          }).find("destroyed while a task waits in it") != std::string::npos);
  }
}
