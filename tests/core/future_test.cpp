// Future and Promise.
#include <simul/future.hpp>

#include <memory>
#include <stdexcept>
#include <string>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

TEST_SUITE("future") {
  TEST_CASE("awaiting a pending future cedes; a value wakes through the ready queue") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      Promise<int> promise;
      Future<int> future = promise.future();
      Task<> waiter = spawn([&, future]() -> Coro<> {
        trace("waits");
        trace(std::to_string(co_await future));
      });
      co_await yield_now();
      CHECK(future.state() == TaskState::pending);
      promise.set_value(42);
      CHECK(future.done());
      CHECK(future.result() == 42);
      trace("set");
      co_await waiter;
    });
    CHECK(trace.text() == "waits set 42");
  }

  TEST_CASE("awaiting one that is done doesn't cede") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      Promise<> promise;
      promise.set_value();
      Task<> other = spawn([&]() -> Coro<> {
        trace("other");
        co_return;
      });
      co_await promise.future();
      trace("main");
      co_await other;
    });
    CHECK(trace.text() == "main other");
  }

  TEST_CASE("several waiters go on in the order in which they came") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      Promise<std::string> promise;
      std::vector<Task<>> tasks;
      for (const char* name : {"a", "b", "c"}) {
        tasks.push_back(spawn([&, name]() -> Coro<> {
          const Future<std::string> future = promise.future();
          trace(name + co_await future);
        }));
      }
      co_await yield_now();
      promise.set_value("!");
      for (Task<>& task : tasks) {
        co_await task;
      }
    });
    CHECK(trace.text() == "a! b! c!");
  }

  TEST_CASE("a value can be moved out, a reference and an exception travel") {
    run_virtual([]() -> Coro<> {
      Promise<std::unique_ptr<int>> owner;
      owner.set_value(std::make_unique<int>(7));
      std::unique_ptr<int> moved = co_await owner.future();
      CHECK(*moved == 7);

      int number = 1;
      Promise<int&> reference;
      reference.set_value(number);
      co_await reference.future() = 2;
      CHECK(number == 2);

      Promise<int> failing;
      failing.set_exception(std::make_exception_ptr(std::out_of_range("seven")));
      CHECK(failing.future().state() == TaskState::failed);
      CHECK(failing.future().exception() != nullptr);
      CHECK_THROWS_AS(failing.future().result(), std::out_of_range);
      std::string what;
      try {
        (void)co_await failing.future();
      } catch (const std::out_of_range& error) {
        what = error.what();
      }
      CHECK(what == "seven");
    });
  }

  TEST_CASE("its state changes once: everything else is an invalid state") {
    run_virtual([]() -> Coro<> {
      Promise<int> promise;
      Future<int> future = promise.future();
      CHECK_THROWS_WITH_AS(future.result(), "Result is not set", InvalidState);
      CHECK_THROWS_AS((void)future.exception(), InvalidState);
      promise.set_value(1);
      CHECK_THROWS_WITH_AS(promise.set_value(2), "invalid state: the future has its result already",
                           InvalidState);
      CHECK_THROWS_AS(promise.set_exception(std::make_exception_ptr(1)), InvalidState);
      CHECK_FALSE(future.cancel());
      CHECK(future.result() == 1);
      co_return;
    });
  }

  TEST_CASE("a promise that was moved from is an invalid state") {
    Promise<int> promise;
    const Promise<int> moved = std::move(promise);
    CHECK_THROWS_AS(promise.set_value(1), InvalidState);
    CHECK_THROWS_AS((void)promise.future(), InvalidState);
    CHECK_THROWS_AS((void)promise.pending(), InvalidState);
    CHECK(moved.pending());
  }

  TEST_CASE("a cancelled future tells its waiters, and refuses a value") {
    run_virtual([]() -> Coro<> {
      Promise<int> promise;
      Future<int> future = promise.future();
      std::string what;
      Task<> waiter = spawn([&, future]() -> Coro<> {
        try {
          (void)co_await future;
        } catch (const TaskCancelled& error) {
          what = error.what();
        }
      });
      co_await yield_now();
      CHECK(future.cancel("not wanted"));
      CHECK_FALSE(promise.pending());
      CHECK(future.state() == TaskState::cancelled);
      CHECK_THROWS_WITH_AS(promise.set_value(1), "invalid state: the future was cancelled",
                           InvalidState);
      co_await waiter;
      CHECK(what == "cancelled: not wanted");
      CHECK_THROWS_AS(future.result(), TaskCancelled);
    });
  }

  TEST_CASE("a promise that is dropped unset breaks") {
    run_virtual([]() -> Coro<> {
      auto promise = std::make_unique<Promise<int>>();
      Future<int> future = promise->future();
      Task<> dropper = spawn([&]() -> Coro<> {
        promise.reset();
        co_return;
      });
      bool broken = false;
      try {
        (void)co_await future;
      } catch (const BrokenPromise&) {
        broken = true;
      }
      CHECK(broken);
      Promise<int> moved_from;
      const Promise<int> moved_to(std::move(moved_from));
      CHECK(moved_to.pending());
    });
  }

  TEST_CASE("done callbacks are called in the next turn, in order, and see the result") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      Promise<int> promise;
      Future<int> future = promise.future();
      future.add_done_callback(
          [&](const Future<int>& f) { trace("1:" + std::to_string(f.result())); });
      future.add_done_callback([&](const Future<int>& f) {
        CHECK(f == future);
        trace("2");
      });
      CallHandle third = future.add_done_callback([&](const Future<int>&) { trace("3"); });
      third.cancel();
      promise.set_value(5);
      future.add_done_callback([&](const Future<int>&) { trace("late"); });
      trace("set");
      co_await yield_now();
    });
    CHECK(trace.text() == "set 1:5 2 late");
  }

  TEST_CASE("a callback of a future that outlives the loop is dropped with the loop") {
    int alive = 0;
    Promise<int> promise;
    {
      VirtualClock clock;
      Loop loop(clock);
      loop.run_until_complete([](Future<int> future, int& count) -> Coro<> {
        future.add_done_callback([w = Witness(count)](const Future<int>&) { FAIL("too late"); });
        co_return;
      }(promise.future(), alive));
      CHECK(alive == 1);
    }
    CHECK(alive == 0);
    promise.set_value(1);
  }

  TEST_CASE("a failure that nobody has looked at is reported") {
    const LogCapture log;
    run_virtual([]() -> Coro<> {
      Promise<int> promise;
      promise.set_exception(std::make_exception_ptr(std::runtime_error("unseen")));
      Promise<int> seen;
      seen.set_exception(std::make_exception_ptr(std::runtime_error("seen")));
      (void)seen.future().exception();
      co_return;
    });
    CHECK(log.all() == "error: a future failed and nobody has looked: unseen\n");
  }

  TEST_CASE("cancelled at every step, a waiter leaves the future to the others") {
    const std::size_t cuts = cancel_everywhere([](Cut& cut) -> Coro<> {
      Promise<int> promise;
      Future<int> future = promise.future();
      int others = 0;
      auto wait = [](Future<int> awaited, int& sum) -> Coro<> { sum += co_await awaited; };
      Task<> before = spawn(wait, future, std::ref(others));
      Loop::current().call_later(1s, [&] { promise.set_value(1); });
      int own = 0;
      const bool ended = co_await cut.run([&]() -> Coro<> { own += co_await future; });
      CHECK(ended == (own == 1));
      Task<> after = spawn(wait, future, std::ref(others));
      co_await before;
      co_await after;
      CHECK(others == 2);
    });
    CHECK(cuts > 2);
  }
}
