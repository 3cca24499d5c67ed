#include <stdexcept>
#include <string>
#include <vector>

#include <simul/cancelled.hpp>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

Coro<int> triple(int value) { co_return value * 3; }

/// A gate as the head of leaf.hpp shows it: the pattern that users copy.
class Gate final : public Leaf {
 public:
  explicit Gate(std::vector<Gate*>& waiting) : waiting_(waiting) {}
  bool await_ready() {
    check_cancelled();
    return false;
  }
  void await_suspend(std::coroutine_handle<>) {
    suspend();
    waiting_.push_back(this);
  }
  void await_resume() { throw_if_cancelled(); }

 private:
  bool on_cancel() noexcept override {
    std::erase(waiting_, this);
    return true;
  }
  std::vector<Gate*>& waiting_;
};

/// A leaf that can't be interrupted: it says "I will resume you".
class Stubborn final : public Leaf {
 public:
  explicit Stubborn(Stubborn*& waiting) : waiting_(waiting) {}
  bool await_ready() {
    check_cancelled();
    return false;
  }
  void await_suspend(std::coroutine_handle<>) {
    suspend();
    waiting_ = this;
  }
  void await_resume() { throw_if_cancelled(); }

 private:
  bool on_cancel() noexcept override { return false; }
  Stubborn*& waiting_;
};

}  // namespace

TEST_SUITE("cancellation") {
  TEST_CASE("a cancelled task's await throws, with the reason") {
    run_virtual([]() -> Coro<> {
      std::string reason;
      Task<> task = spawn([&]() -> Coro<> { reason = co_await cancel_reason(sleep_for(1h)); });
      co_await yield_now();
      task.cancel("no longer needed");
      CHECK(reason.empty());  // it returns at once
      co_await task;          // it swallowed the cancellation, and so it is done
      CHECK(reason == "no longer needed");
      CHECK(task.state() == TaskState::done);
    });
  }

  TEST_CASE("whoever waits for a cancelled task gets TaskCancelled, not Cancelled") {
    run_virtual([]() -> Coro<> {
      Task<> task = spawn(sleep_forever());
      co_await yield_now();
      task.cancel("enough");
      try {
        co_await task;
        FAIL("must throw");
      } catch (const TaskCancelled& cancelled) {
        CHECK(std::string(cancelled.what()) == "cancelled: enough");
      }
      CHECK(task.state() == TaskState::cancelled);
    });
  }

  TEST_CASE("a swallowed cancellation comes again at every await") {
    run_virtual([]() -> Coro<> {
      int thrown = 0;
      Task<> task = spawn([&]() -> Coro<> {
        for (int i = 0; i < 5; ++i) {
          try {
            co_await sleep(1h);
          } catch (const Cancelled&) {
            ++thrown;
          }
        }
        try {
          co_await yield_now();
        } catch (const Cancelled&) {
          ++thrown;
        }
      });
      co_await yield_now();
      task.cancel();
      co_await task;
      CHECK(thrown == 6);
    });
  }

  TEST_CASE("Cancelled is no std::exception, so that an ordinary catch block lets it pass") {
    run_virtual([]() -> Coro<> {
      bool swallowed = false;
      Task<> task = spawn([&]() -> Coro<> {
        try {
          co_await sleep(1h);
        } catch (const std::exception&) {
          swallowed = true;
        }
      });
      co_await yield_now();
      task.cancel();
      CHECK_THROWS_AS(co_await task, TaskCancelled);
      CHECK_FALSE(swallowed);
    });
  }

  TEST_CASE("an await of a cancelled task throws before it has any effect") {
    auto [near, far] = memory_stream_pair();
    run_virtual([&]() -> Coro<> {
      (void)co_await far.send("abc");
      Task<> task = spawn([&]() -> Coro<> {
        (co_await detail::this_task).cancel("self");
        CHECK(co_await cancel_reason([](Stream& s) -> Coro<> { (void)co_await s.recv(); }(near)) ==
              "self");
        CHECK(co_await cancel_reason(
                  [](Stream& s) -> Coro<> { (void)co_await s.send("never"); }(near)) == "self");
        CHECK(co_await cancel_reason(sleep_for(0s)) == "self");
        Task<int> finished = spawn(triple(1));
        CHECK(co_await cancel_reason([](Task<int>& t) -> Coro<> { (void)co_await t; }(finished)) ==
              "self");
      });
      co_await task;
      CHECK(near.counts().recv == 0);
      CHECK(near.counts().send == 0);
      CHECK(near.bytes_accepted() == 0);
      CHECK(far.pending() == 0);
      auto chunk = co_await near.recv();  // nothing was lost
      CHECK(chunk->text() == "abc");
    });
  }

  TEST_CASE("awaiting a coroutine is no cancellation point: code without waits runs to its end") {
    run_virtual([]() -> Coro<> {
      int result = 0;
      Task<> task = spawn([&]() -> Coro<> {
        (co_await detail::this_task).cancel("self");
        result = co_await triple(3);
      });
      co_await task;
      CHECK(result == 9);
    });
  }

  TEST_CASE("a result that is there wins, and the next await throws") {
    run_virtual([]() -> Coro<> {
      // A task's result: it ends and its waiter is cancelled in the same turn.
      Task<int> quick = spawn(triple(2));
      int got = 0;
      bool thrown = false;
      Task<> waiter = spawn([&]() -> Coro<> {
        got = co_await quick;
        try {
          co_await yield_now();
        } catch (const Cancelled&) {
          thrown = true;
        }
      });
      spawn([&]() -> Coro<> {
        waiter.cancel();
        co_return;
      });
      // Order: quick, waiter (waits), canceller... quick ended first, so waiter's wait is ready.
      co_await waiter;
      CHECK((got == 6) == thrown);
    });
    run_virtual([]() -> Coro<> {
      // A timer that has fired is a result.
      bool slept = false;
      bool thrown = false;
      Task<> sleeper = spawn([&]() -> Coro<> {
        co_await sleep(1s);
        slept = true;
        try {
          co_await sleep(1s);
        } catch (const Cancelled&) {
          thrown = true;
        }
      });
      co_await yield_now();
      // Armed after the sleeper's timer for the same time, by a callback and not by a task: it comes
      // when the sleeper was woken and has not had its turn.
      co_await with_scope([&](DeadlineScope& scope) -> Coro<> {
        scope.set_deadline(Loop::current().exact_now() + 1s);
        Task<> canceller = spawn([&]() -> Coro<> { co_await sleep_forever(); });
        co_await yield_now();
        (void)co_await cancel_reason(sleep_forever());
      });
      sleeper.cancel();
      co_await sleeper;
      CHECK(slept);
      CHECK(thrown);
    });
  }

  TEST_CASE("readiness is no result: a recv that was woken and not yet resumed is cancelled") {
    auto [near, far] = memory_stream_pair();
    run_virtual([&]() -> Coro<> {
      std::string reason;
      Task<> reader = spawn([&]() -> Coro<> {
        reason = co_await cancel_reason([](Stream& s) -> Coro<> { (void)co_await s.recv(); }(near));
      });
      co_await yield_now();
      (void)co_await far.send("abc");  // wakes the reader
      reader.cancel("too late");
      co_await reader;
      CHECK(reason == "too late");
      CHECK(near.pending() == 3);
      auto chunk = co_await near.recv();
      CHECK(chunk->text() == "abc");
    });
  }

  TEST_CASE("the first cancel counts: later ones don't change the reason") {
    run_virtual([]() -> Coro<> {
      Task<> task = spawn(sleep_forever());
      co_await yield_now();
      task.cancel("first");
      task.cancel("second");
      try {
        co_await task;
      } catch (const TaskCancelled& cancelled) {
        CHECK(std::string(cancelled.what()) == "cancelled: first");
      }
      task.cancel("third");  // it has ended: no effect
      CHECK(task.state() == TaskState::cancelled);
    });
  }

  TEST_CASE("cancelling a task that has ended has no effect on its result") {
    run_virtual([]() -> Coro<> {
      Task<int> task = spawn(triple(4));
      co_await settle();
      task.cancel();
      CHECK(co_await task == 12);
      CHECK(task.state() == TaskState::done);
    });
  }

  TEST_CASE("a task can cancel itself: its next await throws") {
    run_virtual([]() -> Coro<> {
      bool after_cancel = false;
      Task<> task = spawn([&]() -> Coro<> {
        (co_await detail::this_task).cancel("by myself");
        after_cancel = true;
        co_await sleep(0s);
        FAIL("must throw");
      });
      CHECK_THROWS_AS(co_await task, TaskCancelled);
      CHECK(after_cancel);
    });
  }

  TEST_CASE("a task can be cancelled while it handles an exception, and while it unwinds") {
    run_virtual([]() -> Coro<> {
      Task<> task;
      struct CancelsInDestructor {
        ~CancelsInDestructor() { task.cancel("from a destructor"); }
        Task<>& task;
      };
      task = spawn([&]() -> Coro<> {
        try {
          const CancelsInDestructor guard{task};
          throw std::runtime_error("first");
        } catch (const std::runtime_error&) {
          task.cancel("in a catch block");
        }
        CHECK(co_await cancel_reason(sleep_for(1h)) == "from a destructor");
      });
      co_await task;
      CHECK(task.state() == TaskState::done);
    });
  }

  TEST_CASE("a task that is cancelled before it starts never runs, but destroys its arguments") {
    int alive = 0;
    bool ran = false;
    run_virtual([&]() -> Coro<> {
      Task<> task = spawn(
          [&](Witness) -> Coro<> {
            ran = true;
            co_return;
          },
          Witness(alive));
      CHECK(alive > 0);
      task.cancel("too early");
      co_await settle();
      CHECK(task.state() == TaskState::cancelled);
      CHECK(alive == 0);
      CHECK_THROWS_AS(co_await task, TaskCancelled);
    });
    CHECK_FALSE(ran);
  }

  TEST_CASE("cancelling a waiter doesn't cancel what it waits for") {
    run_virtual([]() -> Coro<> {
      Task<int> task = spawn([]() -> Coro<int> {
        co_await sleep(1s);
        co_return 3;
      });
      Task<> waiter = spawn([&]() -> Coro<> { (void)co_await task; });
      co_await yield_now();
      waiter.cancel();
      CHECK_THROWS_AS(co_await waiter, TaskCancelled);
      CHECK_FALSE(task.done());
      CHECK(co_await task == 3);
    });
  }

  TEST_CASE("a cancelled waiter is forgotten: the others are woken in order") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      Task<> task = spawn(sleep_for(1s));
      auto wait = [&](std::string word) -> Coro<> {
        co_await task;
        trace(word);
      };
      Task<> a = spawn(wait, "a");
      Task<> b = spawn(wait, "b");
      Task<> c = spawn(wait, "c");
      co_await yield_now();
      b.cancel();
      co_await c;
    });
    CHECK(trace.text() == "a c");
  }

  TEST_CASE("a leaf of one's own takes part in all this") {
    run_virtual([]() -> Coro<> {
      std::vector<Gate*> waiting;
      Trace trace;
      auto pass = [&](std::string word) -> Coro<> {
        co_await Gate(waiting);
        trace(word);
      };
      Task<> a = spawn(pass, "a");
      Task<> b = spawn(pass, "b");
      co_await yield_now();
      REQUIRE(waiting.size() == 2);
      a.cancel();
      CHECK(waiting.size() == 1);
      waiting.front()->wake();
      waiting.front()->wake();  // harmless
      co_await b;
      CHECK(trace.text() == "b");
      CHECK_THROWS_AS(co_await a, TaskCancelled);
      waiting.clear();
    });
  }

  TEST_CASE("a leaf that can't be interrupted is resumed by itself, and the next await throws") {
    run_virtual([]() -> Coro<> {
      Stubborn* waiting = nullptr;
      std::string reason;
      bool passed = false;
      Task<> task = spawn([&]() -> Coro<> {
        co_await Stubborn(waiting);
        passed = true;
        reason = co_await cancel_reason(sleep_for(1h));
      });
      co_await yield_now();
      task.cancel("later");
      co_await settle();
      CHECK_FALSE(passed);
      waiting->wake();
      co_await task;
      CHECK(passed);
      CHECK(reason == "later");
    });
  }
}
