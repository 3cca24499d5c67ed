#include <simul/cancel_scope.hpp>

#include <optional>
#include <stdexcept>
#include <string>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

TEST_SUITE("scopes") {
  TEST_CASE("a cancelled scope ends quietly, and its effect ends with it") {
    run_virtual([]() -> Coro<> {
      bool after = false;
      const bool completed = co_await with_scope([&](CancelScope& scope) -> Coro<> {
        scope.cancel("stop");
        CHECK(scope.cancel_called());
        CHECK(scope.cancelled());
        CHECK(scope.reason() == "stop");
        co_await sleep(1h);
        after = true;
      });
      CHECK_FALSE(completed);
      CHECK_FALSE(after);
      co_await sleep(1ms);  // nothing is cancelled here
    });
  }

  TEST_CASE("a scope gives the value of what it ran") {
    run_virtual([]() -> Coro<> {
      const std::optional<int> five =
          co_await with_scope([](CancelScope&) -> Coro<int> { co_return 5; });
      CHECK(five == 5);
      const std::optional<int> none = co_await with_scope([](CancelScope& scope) -> Coro<int> {
        scope.cancel();
        co_await yield_now();
        co_return 5;
      });
      CHECK_FALSE(none.has_value());
    });
  }

  TEST_CASE("a scope that was cancelled without effect has completed") {
    run_virtual([]() -> Coro<> {
      const bool completed = co_await with_scope([](CancelScope& scope) -> Coro<> {
        scope.cancel();
        co_return;
      });
      CHECK(completed);
    });
  }

  TEST_CASE("a scope can be cancelled from another task while it waits") {
    run_virtual([]() -> Coro<> {
      CancelScope* stop = nullptr;
      spawn([&]() -> Coro<> {
        co_await sleep(1s);
        stop->cancel("by hand");
      });
      const TimePoint start = Loop::current().now();
      co_await with_scope([&](CancelScope& scope) -> Coro<> {
        stop = &scope;
        CHECK(co_await cancel_reason(sleep_for(1h)) == "by hand");
      });
      CHECK(Loop::current().exact_now() - start == 1s);
    });
  }

  TEST_CASE("of two nested scopes the one that was cancelled absorbs: the inner") {
    run_virtual([]() -> Coro<> {
      Trace trace;
      co_await with_scope([&](CancelScope&) -> Coro<> {
        co_await with_scope([&](CancelScope& inner) -> Coro<> {
          inner.cancel();
          co_await sleep(1h);
          trace("inside");
        });
        trace("after-inner");
        co_await sleep(1s);
        trace("end-of-outer");
      });
      trace("after-outer");
      CHECK(trace.text() == "after-inner end-of-outer after-outer");
    });
  }

  TEST_CASE("of two nested scopes the one that was cancelled absorbs: the outer") {
    run_virtual([]() -> Coro<> {
      Trace trace;
      co_await with_scope([&](CancelScope& outer) -> Coro<> {
        co_await with_scope([&](CancelScope& inner) -> Coro<> {
          outer.cancel("outer");
          CHECK(inner.cancelled());
          CHECK_FALSE(inner.cancel_called());
          CHECK(inner.reason() == "outer");
          co_await sleep(1h);
        });
        trace("after-inner");
      });
      trace("after-outer");
      CHECK(trace.text() == "after-outer");
    });
  }

  TEST_CASE("when both are cancelled the outer one absorbs, and the innermost reason counts") {
    run_virtual([]() -> Coro<> {
      Trace trace;
      co_await with_scope([&](CancelScope& outer) -> Coro<> {
        co_await with_scope([&](CancelScope& inner) -> Coro<> {
          inner.cancel("inner");
          outer.cancel("outer");
          CHECK(co_await cancel_reason(sleep_for(1h)) == "inner");
          co_await sleep(1h);
        });
        trace("after-inner");
      });
      trace("after-outer");
      CHECK(trace.text() == "after-outer");
    });
  }

  TEST_CASE("an inner scope that swallowed an outer cancellation doesn't end it") {
    run_virtual([]() -> Coro<> {
      bool reached = false;
      co_await with_scope([&](CancelScope& outer) -> Coro<> {
        co_await with_scope([&](CancelScope&) -> Coro<> {
          outer.cancel();
          (void)co_await cancel_reason(sleep_for(1h));
        });
        co_await yield_now();
        reached = true;
      });
      CHECK_FALSE(reached);
    });
  }

  TEST_CASE("a scope that is opened inside a cancelled one is cancelled from the start") {
    run_virtual([]() -> Coro<> {
      co_await with_scope([&](CancelScope& outer) -> Coro<> {
        outer.cancel("outer");
        co_await with_scope([&](CancelScope& inner) -> Coro<> {
          CHECK(inner.cancelled());
          CHECK(co_await cancel_reason(sleep_for(1h)) == "outer");
        });
      });
    });
  }

  TEST_CASE("an exception leaves a cancelled scope as it is") {
    run_virtual([]() -> Coro<> {
      auto body = [](CancelScope& scope) -> Coro<> {
        scope.cancel();
        throw std::runtime_error("mine");
        co_return;
      };
      CHECK_THROWS_AS(co_await with_scope(body), std::runtime_error);
      co_await yield_now();
    });
  }

  TEST_CASE("the callable lives until the scope is left") {
    run_virtual([]() -> Coro<> {
      int alive = 0;
      co_await with_scope([witness = Witness(alive)](CancelScope&) -> Coro<> {
        co_await sleep(1s);
        CHECK(*witness.alive_ >= 1);
      });
      CHECK(alive == 0);
    });
  }
}

TEST_SUITE("deadlines") {
  TEST_CASE("move_on_after says whether it was in time") {
    run_virtual([]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      CHECK(co_await move_on_after(5s, [] { return sleep_for(4s); }));
      CHECK(Loop::current().exact_now() - start == 4s);
      CHECK_FALSE(co_await move_on_after(5s, [] { return sleep_for(6s); }));
      CHECK(Loop::current().exact_now() - start == 9s);
    });
  }

  TEST_CASE("move_on_after gives the value, or nothing") {
    run_virtual([]() -> Coro<> {
      auto slow = [](Duration wait) -> Coro<std::string> {
        co_await sleep(wait);
        co_return "value";
      };
      auto in_time = co_await move_on_after(5s, [&] { return slow(1s); });
      CHECK(in_time == "value");
      auto late = co_await move_on_after(5s, [&] { return slow(6s); });
      CHECK_FALSE(late.has_value());
    });
  }

  TEST_CASE("a deadline lets references through") {
    run_virtual([]() -> Coro<> {
      int number = 1;
      const auto refer = [&]() -> Coro<int&> { co_return number; };
      CHECK(&(co_await move_on_after(1s, refer))->get() == &number);
      CHECK(&co_await fail_after(1s, refer) == &number);
      CHECK(&co_await shielded(1s, refer) == &number);
    });
  }

  TEST_CASE("the reason of a deadline is \"deadline\"") {
    run_virtual([]() -> Coro<> {
      co_await move_on_after(
          5s, []() -> Coro<> { CHECK(co_await cancel_reason(sleep_for(6s)) == "deadline"); });
    });
  }

  TEST_CASE("fail_after throws TimedOut when its own deadline passes") {
    run_virtual([]() -> Coro<> {
      auto slow = [](Duration wait) -> Coro<int> {
        co_await sleep(wait);
        co_return 3;
      };
      CHECK(co_await fail_after(5s, [&] { return slow(1s); }) == 3);
      try {
        (void)co_await fail_after(1500ms, [&] { return slow(6s); });
        FAIL("must throw");
      } catch (const TimedOut& error) {
        CHECK(std::string(error.what()).starts_with("timed out after 1.5"));
      }
      co_await fail_after(5s, [&] { return sleep_for(1s); });
    });
  }

  TEST_CASE("an outer deadline that passes first goes through an inner one") {
    run_virtual([]() -> Coro<> {
      bool after_inner = false;
      const bool in_time = co_await move_on_after(1s, [&]() -> Coro<> {
        try {
          co_await fail_after(5s, [] { return sleep_for(1h); });
        } catch (const TimedOut&) {
          FAIL("not the inner one's deadline");
        }
        after_inner = true;
      });
      CHECK_FALSE(in_time);
      CHECK_FALSE(after_inner);
    });
  }

  TEST_CASE("an inner deadline that passes first leaves the outer one alone") {
    run_virtual([]() -> Coro<> {
      bool thrown = false;
      const bool in_time = co_await move_on_after(5s, [&]() -> Coro<> {
        try {
          co_await fail_after(1s, [] { return sleep_for(1h); });
        } catch (const TimedOut&) {
          thrown = true;
        }
        co_await sleep(1s);
      });
      CHECK(in_time);
      CHECK(thrown);
    });
  }

  TEST_CASE("a deadline can be moved, both ways") {
    run_virtual([]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      co_await with_scope([&](DeadlineScope& scope) -> Coro<> {
        CHECK(scope.deadline() == kNever);
        scope.set_deadline(start + 10s);
        co_await sleep(1s);
        scope.set_deadline(start + 20s);
        co_await sleep(14s);
        CHECK_FALSE(scope.cancelled());
        scope.set_deadline(start + 16s);
        CHECK(co_await cancel_reason(sleep_for(1h)) == "deadline");
        CHECK(scope.deadline_passed());
        scope.set_deadline(kNever);  // too late
        CHECK(co_await cancel_reason(sleep_for(1h)) == "deadline");
      });
      CHECK(Loop::current().exact_now() - start == 16s);
    });
  }

  TEST_CASE("fail_at throws TimedOut when its time comes, and gives the value before") {
    run_virtual([]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      auto late = [&] { return fail_at(start + 2s, [] { return sleep_for(1h); }); };
      CHECK_THROWS_WITH(co_await late(), "timed out after 2.000000 s");
      CHECK(Loop::current().exact_now() - start == 2s);
      const int value = co_await fail_at(start + 4s, []() -> Coro<int> {
        co_await sleep(1s);
        co_return 6;
      });
      CHECK(value == 6);
      CHECK(Loop::current().exact_now() - start == 3s);
      auto past = [&] { return fail_at(start, [] { return sleep_for(1h); }); };
      CHECK_THROWS_AS(co_await past(), TimedOut);
      CHECK(Loop::current().exact_now() - start == 3s);
    });
  }

  TEST_CASE("what a deadline function runs can move its deadline") {
    run_virtual([]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      // An idle timeout: each piece of work moves it on.
      auto idle_for_2s_at_last = [&](DeadlineScope& scope) -> Coro<int> {
        for (int i = 0; i < 5; ++i) {
          co_await sleep(1s);
          scope.set_deadline(Loop::current().now() + 2s);
        }
        co_await sleep(1h);
        co_return 1;
      };
      CHECK_THROWS_AS(co_await fail_after(2s, idle_for_2s_at_last), TimedOut);
      CHECK(Loop::current().exact_now() - start == 7s);
      CHECK_THROWS_AS(co_await fail_at(kNever, idle_for_2s_at_last), TimedOut);
      CHECK((co_await move_on_after(2s, idle_for_2s_at_last)) == std::nullopt);
      CHECK((co_await move_on_at(kNever, idle_for_2s_at_last)) == std::nullopt);
      CHECK(Loop::current().exact_now() - start == 28s);
      auto stops_itself = [](DeadlineScope& scope) -> Coro<> {
        scope.cancel("by hand");
        co_await sleep(1s);
      };
      CHECK_THROWS_WITH(co_await fail_after(1h, stops_itself), "cut off: by hand");
    });
  }

  TEST_CASE("a deadline that is moved into the past cuts in the next turn") {
    run_virtual([]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      const bool in_time = co_await move_on_after(1h, [&](DeadlineScope& scope) -> Coro<> {
        co_await sleep(2s);
        scope.set_deadline(start + 1s);
        CHECK_FALSE(scope.cancelled());
        co_await sleep(1h);
      });
      CHECK_FALSE(in_time);
      CHECK(Loop::current().exact_now() - start == 2s);
    });
  }

  TEST_CASE("once it has passed, a deadline can't be moved") {
    run_virtual([]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      co_await move_on_at(start + 1s, [&](DeadlineScope& scope) -> Coro<> {
        (void)co_await cancel_reason(sleep_for(1h));
        scope.set_deadline(start + 1h);
        CHECK(scope.deadline() == start + 1s);
        CHECK(scope.deadline_passed());
        CHECK(co_await cancel_reason(sleep_for(1s)) == "deadline");
      });
      CHECK(Loop::current().exact_now() - start == 1s);
    });
  }

  TEST_CASE(
      "an outer deadline that is moved to before the inner one cuts both, and only its own call "
      "says so") {
    run_virtual([]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      bool inner_threw = false;
      auto outer = [&](DeadlineScope& outer_scope) -> Coro<> {
        auto inner = [&](DeadlineScope& inner_scope) -> Coro<> {
          outer_scope.set_deadline(start + 1s);
          inner_scope.set_deadline(start + 2s);
          const std::string reason = co_await cancel_reason(sleep_for(1h));
          CHECK(reason == "deadline");
          CHECK(outer_scope.deadline_passed());
          CHECK_FALSE(inner_scope.deadline_passed());
          co_await sleep(1h);
        };
        try {
          co_await fail_after(5s, inner);
        } catch (const TimedOut&) {
          inner_threw = true;
        }
      };
      CHECK_THROWS_AS(co_await fail_after(10s, outer), TimedOut);
      CHECK_FALSE(inner_threw);
      CHECK(Loop::current().exact_now() - start == 1s);
    });
  }

  TEST_CASE("of nested scopes that are cut one after the other, each tells its own reason") {
    run_virtual([]() -> Coro<> {
      Trace trace;
      co_await with_scope([&](CancelScope& outer) -> Coro<> {
        co_await move_on_after(1s, [&](DeadlineScope& inner) -> Coro<> {
          trace(co_await cancel_reason(sleep_for(1h)));
          outer.cancel("outer");
          trace(co_await cancel_reason(sleep_for(1h)));  // the innermost that applies
          CHECK(inner.reason() == "deadline");
        });
        trace(co_await cancel_reason(sleep_for(1h)));
      });
      CHECK(trace.text() == "deadline deadline outer");
    });
  }

  TEST_CASE("a deadline that is taken back never comes") {
    run_virtual([]() -> Coro<> {
      co_await with_scope([&](DeadlineScope& scope) -> Coro<> {
        scope.set_deadline(Loop::current().exact_now() + 1s);
        scope.set_deadline(kNever);
        co_await sleep(1h);
        CHECK_FALSE(scope.cancelled());
      });
    });
  }

  TEST_CASE("cancelled by hand, a scope's deadline hasn't passed") {
    run_virtual([]() -> Coro<> {
      co_await with_scope([&](DeadlineScope& scope) -> Coro<> {
        scope.set_deadline(Loop::current().exact_now() + 1s);
        scope.cancel("by hand");
        CHECK(co_await cancel_reason(sleep_for(1h)) == "by hand");
        CHECK_FALSE(scope.deadline_passed());
      });
    });
  }

  TEST_CASE("a deadline in the past cuts the first wait") {
    run_virtual([]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      CHECK_FALSE(co_await move_on_after(0s, [] { return sleep_for(1h); }));
      CHECK_FALSE(co_await move_on_at(start - 1s, [] { return sleep_for(1h); }));
      CHECK(co_await move_on_after(-1s, []() -> Coro<> { co_return; }));
      CHECK(Loop::current().exact_now() == start);
    });
  }

  TEST_CASE("a deadline that can't be reached is none") {
    run_virtual([]() -> Coro<> {
      CHECK(co_await move_on_after(Duration::max(), [] { return sleep_for(24h * 365); }));
    });
  }

  TEST_CASE("a result that is there when the deadline passes wins") {
    run_virtual([]() -> Coro<> {
      // Both timers are due at once; the deadline was armed first and so it comes first: it cuts.
      CHECK_FALSE(co_await move_on_after(1s, [] { return sleep_for(1s); }));
      // Here the sleep's timer was armed before: it has fired when the deadline passes.
      const TimePoint later = Loop::current().exact_now() + 1s;
      const bool in_time = co_await with_scope([&](DeadlineScope& scope) -> Coro<> {
        Task<> sets = spawn([&]() -> Coro<> {
          scope.set_deadline(later);
          co_return;
        });
        co_await sleep_until(later);
      });
      CHECK(in_time);
    });
  }

  TEST_CASE("a task that is cancelled passes through its deadlines") {
    run_virtual([]() -> Coro<> {
      bool after = false;
      Task<> task = spawn([&]() -> Coro<> {
        co_await move_on_after(5s, [] { return sleep_for(1h); });
        after = true;
      });
      co_await yield_now();
      task.cancel();
      CHECK_THROWS_AS(co_await task, TaskCancelled);
      CHECK_FALSE(after);
    });
  }
}

TEST_SUITE("shields") {
  TEST_CASE("a shield holds a cancellation off for its grace, counted from the cancellation") {
    run_virtual([]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      TimePoint cut{};
      Task<> task = spawn([&]() -> Coro<> {
        co_await shielded(5s, [&]() -> Coro<> {
          (void)co_await cancel_reason(sleep_for(1h));
          cut = Loop::current().exact_now();
        });
      });
      co_await sleep(10s);
      task.cancel();
      co_await task;
      CHECK(cut - start == 15s);
    });
  }

  TEST_CASE("a shield that is entered after the cancellation counts from its entry") {
    run_virtual([]() -> Coro<> {
      TimePoint entered{};
      TimePoint cut{};
      Task<> task = spawn([&]() -> Coro<> {
        (void)co_await cancel_reason(sleep_for(1h));
        VirtualClock* unused = nullptr;
        (void)unused;
        entered = Loop::current().exact_now();
        co_await shielded(5s, [&]() -> Coro<> {
          co_await sleep(3s);  // cleanup that fits is not disturbed
          (void)co_await cancel_reason(sleep_for(1h));
          cut = Loop::current().exact_now();
        });
      });
      co_await sleep(10s);
      task.cancel();
      co_await task;
      CHECK(cut - entered == 5s);
    });
  }

  TEST_CASE("after the shield the cancellation goes on at the next await") {
    run_virtual([]() -> Coro<> {
      Trace trace;
      Task<> task = spawn([&]() -> Coro<> {
        co_await shielded(5s, [&]() -> Coro<> {
          co_await sleep(2s);
          trace("shielded-done");
        });
        trace("after");
        co_await sleep(1s);
        trace("never");
      });
      co_await sleep(1s);
      task.cancel();
      CHECK_THROWS_AS(co_await task, TaskCancelled);
      CHECK(trace.text() == "shielded-done after");
    });
  }

  TEST_CASE("a shield gives its value, even after a cancellation") {
    run_virtual([]() -> Coro<> {
      int value = 0;
      Task<> task = spawn([&]() -> Coro<> {
        value = co_await shielded(5s, []() -> Coro<int> {
          co_await sleep(2s);
          co_return 8;
        });
      });
      co_await sleep(1s);
      task.cancel();
      co_await task;
      CHECK(value == 8);
    });
  }

  TEST_CASE("scopes inside a shield work as ever") {
    run_virtual([]() -> Coro<> {
      Trace trace;
      Task<> task = spawn([&]() -> Coro<> {
        co_await shielded(1h, [&]() -> Coro<> {
          const bool in_time = co_await move_on_after(3s, [] { return sleep_for(1h); });
          trace(in_time ? "in-time" : "cut");
          co_await with_scope([&](CancelScope& scope) -> Coro<> {
            scope.cancel();
            co_await sleep(1s);
            trace("never");
          });
          trace("end");
        });
      });
      co_await sleep(1s);
      task.cancel();
      co_await task;
      CHECK(trace.text() == "cut end");
    });
  }

  TEST_CASE("cancelling inside a shield has to wait too") {
    run_virtual([]() -> Coro<> {
      bool slept = false;
      Task<> task = spawn([&]() -> Coro<> {
        co_await shielded(5s, [&]() -> Coro<> {
          (co_await detail::this_task).cancel("self");
          co_await sleep(1s);
          slept = true;
        });
      });
      co_await task;
      CHECK(slept);
    });
  }

  TEST_CASE("a cancellation from outside while it is in a shield, twice, and in its catch block") {
    run_virtual([]() -> Coro<> {
      Trace trace;
      Task<> task;
      task = spawn([&]() -> Coro<> {
        try {
          co_await shielded(1h, [] { return sleep_for(2s); });
          trace("shield-over");
          co_await sleep(1h);
        } catch (const Cancelled& cancelled) {
          trace(cancelled.reason());
          task.cancel("third");
        }
        co_await shielded(1h, [] { return sleep_for(1s); });
        trace("cleaned");
        co_await sleep(1h);
        trace("never");
      });
      co_await sleep(1s);
      task.cancel("first");
      task.cancel("second");
      CHECK_THROWS_WITH(co_await task, "cancelled: first");
      CHECK(trace.text() == "shield-over first cleaned");
    });
  }

  TEST_CASE("of nested shields the outer one's grace limits the inner one's start") {
    run_virtual([]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      TimePoint cut{};
      Task<> task = spawn([&]() -> Coro<> {
        co_await shielded(2s, [&]() -> Coro<> {
          co_await shielded(3s, [&]() -> Coro<> {
            (void)co_await cancel_reason(sleep_for(1h));
            cut = Loop::current().exact_now();
          });
        });
      });
      co_await sleep(1s);
      task.cancel();
      co_await task;
      CHECK(cut - start == 6s);  // 1 + 2, and only then the inner one's 3
    });
  }

  TEST_CASE("a deadline outside of a shield waits for its grace, and still is the one that cut") {
    run_virtual([]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      const bool in_time = co_await move_on_after(
          1s, []() -> Coro<> { co_await shielded(2s, [] { return sleep_for(1h); }); });
      CHECK_FALSE(in_time);
      CHECK(Loop::current().exact_now() - start == 3s);
    });
  }

  TEST_CASE(
      "cancelled everywhere, deadlines of all kinds leave neither a timer nor an effect behind") {
    const std::size_t rounds = cancel_everywhere([](Cut& cut) -> Coro<> {
      int alive = 0;
      int timed_out = 0;
      bool to_the_end = false;
      const bool ended = co_await cut.run([&]() -> Coro<> {
        const TimePoint start = Loop::current().exact_now();
        auto too_long = [&, w = Witness(alive)](DeadlineScope& scope) -> Coro<> {
          co_await sleep(1s);
          scope.set_deadline(Loop::current().exact_now() + 2s);
          co_await sleep(1h);
        };
        auto in_time = [&, w = Witness(alive)]() -> Coro<int> {
          co_await sleep(1s);
          co_return 1;
        };
        try {
          co_await fail_at(start + 10s, too_long);
        } catch (const TimedOut&) {
          ++timed_out;
        }
        const int value = co_await fail_after(10s, in_time);
        const bool moved_on = !co_await move_on_after(10s, too_long);
        const std::optional<int> other = co_await move_on_at(start + 1h, in_time);
        to_the_end = value == 1 && moved_on && other == 1;
      });
      CHECK(alive == 0);
      CHECK(ended == to_the_end);
      CHECK((!ended || timed_out == 1));
      const TimePoint start = Loop::current().exact_now();
      co_await sleep(2h);  // no deadline cuts this one
      CHECK(Loop::current().exact_now() - start == 2h);
    });
    CHECK(rounds >= 6);
  }
}
