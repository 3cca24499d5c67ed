#include <simul/task_group.hpp>

#include <stdexcept>
#include <string>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

Coro<> fail_with(Duration wait, std::string text) {
  co_await sleep(wait);
  throw std::runtime_error(text);
}

/// Sleeps for ever; takes `grace` to clean up, and says when it has.
Coro<> slow_to_end(Trace& trace, std::string word, Duration grace) {
  try {
    co_await sleep_forever();
  } catch (const Cancelled&) {
  }
  co_await shielded(1h, [&] { return sleep_for(grace); });
  trace(word);
}

}  // namespace

TEST_SUITE("task group") {
  TEST_CASE("with_group returns when all that it spawned has ended") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        group.spawn(sleep_for(3s));
        group.spawn(sleep_for(1s));
        group.spawn(
            [&](Duration wait) -> Coro<> {
              co_await sleep(wait);
              trace("child");
            },
            2s);
        trace("body");
        CHECK(group.size() == 3);
        co_return;
      });
      CHECK(Loop::current().exact_now() - start == 3s);
      CHECK(trace.text() == "body child");
    });
  }

  TEST_CASE("an empty group ends at once, without ceding") {
    run_virtual([]() -> Coro<> {
      bool other = false;
      spawn([&]() -> Coro<> {
        other = true;
        co_return;
      });
      co_await with_group([](TaskGroup&) -> Coro<> { co_return; });
      CHECK_FALSE(other);
    });
  }

  TEST_CASE("the children's results can be awaited inside") {
    run_virtual([]() -> Coro<> {
      int sum = 0;
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        auto n = [](int v) -> Coro<int> {
          co_await sleep(1s);
          co_return v;
        };
        Task<int> a = group.spawn(n(1));
        Task<int> b = group.spawn(n(2));
        sum = co_await a + co_await b;
      });
      CHECK(sum == 3);
    });
  }

  TEST_CASE("the first failure cancels the others, joins them, and is rethrown as itself") {
    const LogCapture log;
    Trace trace;
    run_virtual([&]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      try {
        co_await with_group([&](TaskGroup& group) -> Coro<> {
          group.spawn(slow_to_end(trace, "joined", 2s));
          group.spawn(fail_with(1s, "child"));
          CHECK(co_await cancel_reason(sleep_for(1h)) == "a task of the group failed");
        });
        FAIL("must throw");
      } catch (const std::runtime_error& error) {
        CHECK(std::string(error.what()) == "child");
        trace("caught");
      }
      CHECK(Loop::current().exact_now() - start == 3s);
    });
    CHECK(trace.text() == "joined caught");
    CHECK(log.count() == 0);  // it was thrown, nobody has to report it
  }

  TEST_CASE("a failure of the body cancels and joins the children") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      auto body = [&](TaskGroup& group) -> Coro<> {
        group.spawn(slow_to_end(trace, "joined", 1s));
        co_await yield_now();
        throw std::out_of_range("body");
      };
      CHECK_THROWS_AS(co_await with_group(body), std::out_of_range);
      trace("after");
    });
    CHECK(trace.text() == "joined after");
  }

  TEST_CASE("several failures become an ExceptionGroup, in the order in which they happened") {
    run_virtual([]() -> Coro<> {
      try {
        co_await with_group([&](TaskGroup& group) -> Coro<> {
          group.spawn([]() -> Coro<> {
            try {
              co_await sleep_forever();
            } catch (const Cancelled&) {
            }
            throw std::runtime_error("in cleanup");
          });
          co_await sleep(1s);
          throw std::runtime_error("body");
        });
        FAIL("must throw");
      } catch (const ExceptionGroup& failures) {
        REQUIRE(failures.exceptions().size() == 2);
        CHECK(describe(failures.exceptions()[0]) == "body");
        CHECK(describe(failures.exceptions()[1]) == "in cleanup");
        CHECK(std::string(failures.what()) == "2 failures: body; in cleanup");
      }
    });
  }

  TEST_CASE("failures of two children in one turn are both reported") {
    run_virtual([]() -> Coro<> {
      try {
        co_await with_group([&](TaskGroup& group) -> Coro<> {
          group.spawn(fail_with(1s, "a"));
          group.spawn(fail_with(1s, "b"));
          co_return;
        });
        FAIL("must throw");
      } catch (const ExceptionGroup& failures) {
        CHECK(failures.exceptions().size() == 2);
      } catch (const std::runtime_error&) {
        FAIL("the second one, whose timer had fired as well, was lost");
      }
    });
  }

  TEST_CASE("cancel() ends the group quietly once all have ended") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        group.spawn(slow_to_end(trace, "a", 1s));
        group.spawn(slow_to_end(trace, "b", 2s));
        co_await yield_now();
        group.cancel("enough");
        CHECK(group.scope().reason() == "enough");
        CHECK(co_await cancel_reason(sleep_for(1h)) == "enough");
      });
      trace("after");
      co_await yield_now();
    });
    CHECK(trace.text() == "a b after");
  }

  TEST_CASE("cancel() from a child ends its siblings") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        group.spawn(slow_to_end(trace, "sibling", 1s));
        group.spawn([&]() -> Coro<> {
          co_await sleep(1s);
          group.cancel();
        });
        co_return;
      });
      trace("after");
    });
    CHECK(trace.text() == "sibling after");
  }

  TEST_CASE(
      "an outer cancellation reaches body and children, and is rethrown after the last ended") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      Task<> task = spawn([&]() -> Coro<> {
        try {
          co_await with_group([&](TaskGroup& group) -> Coro<> {
            group.spawn(slow_to_end(trace, "child", 5s));
            co_await sleep_forever();
          });
          trace("never");
        } catch (const Cancelled& cancelled) {
          trace(cancelled.reason());
          throw;
        }
      });
      co_await sleep(1s);
      task.cancel("outside");
      CHECK_THROWS_AS(co_await task, TaskCancelled);
    });
    CHECK(trace.text() == "child outside");
  }

  TEST_CASE("an outer cancellation while the group joins reaches the children") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      const bool in_time = co_await move_on_after(1s, [&]() -> Coro<> {
        co_await with_group([&](TaskGroup& group) -> Coro<> {
          group.spawn(slow_to_end(trace, "child", 5s));
          co_return;
        });
        trace("never");
      });
      CHECK_FALSE(in_time);
    });
    CHECK(trace.text() == "child");
  }

  TEST_CASE("a failure wins against an outer cancellation, which comes again at the next await") {
    run_virtual([]() -> Coro<> {
      std::string text;
      std::string reason;
      Task<> task = spawn([&]() -> Coro<> {
        try {
          co_await with_group([&](TaskGroup& group) -> Coro<> {
            group.spawn([]() -> Coro<> {
              try {
                co_await sleep_forever();
              } catch (const Cancelled&) {
              }
              throw std::runtime_error("cleanup failed");
            });
            co_await sleep_forever();
          });
        } catch (const std::runtime_error& error) {
          text = error.what();
        }
        reason = co_await cancel_reason(sleep_for(1h));
      });
      co_await sleep(1s);
      task.cancel("outside");
      co_await task;
      CHECK(text == "cleanup failed");
      CHECK(reason == "outside");
    });
  }

  TEST_CASE("a child that is cancelled by itself doesn't touch the others") {
    run_virtual([]() -> Coro<> {
      bool done = false;
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        Task<> child = group.spawn(sleep_forever());
        group.spawn([&]() -> Coro<> {
          co_await sleep(2s);
          done = true;
        });
        co_await sleep(1s);
        child.cancel();
      });
      CHECK(done);
    });
  }

  TEST_CASE("children can spawn into their group, even when the body has ended") {
    int ended = 0;
    run_virtual([&]() -> Coro<> {
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        struct Tree {
          static Coro<> grow(TaskGroup& group, int depth, int& ended) {
            co_await sleep(1s);
            if (depth > 0) {
              group.spawn(grow(group, depth - 1, ended));
              group.spawn(grow(group, depth - 1, ended));
            }
            ++ended;
          }
        };
        group.spawn(Tree::grow(group, 5, ended));
        co_return;
      });
      CHECK(ended == 63);
    });
  }

  TEST_CASE("what is spawned into a cancelled group never runs") {
    int alive = 0;
    run_virtual([&]() -> Coro<> {
      bool ran = false;
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        group.cancel();
        Task<> task = group.spawn(
            [&](Witness) -> Coro<> {
              ran = true;
              co_return;
            },
            Witness(alive));
        co_return;
      });
      CHECK_FALSE(ran);
      CHECK(alive == 0);
    });
  }

  TEST_CASE("spawning into a group that has ended is an error") {
    run_virtual([]() -> Coro<> {
      GroupRunner runner(co_await detail::this_task);
      runner.finish();
      CHECK_THROWS_AS(runner.group().spawn(sleep_for(1s)), std::logic_error);
    });
  }

  TEST_CASE("groups nest: an inner failure goes through the outer group") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      auto body = [&](TaskGroup& outer) -> Coro<> {
        outer.spawn(slow_to_end(trace, "outer-child", 1s));
        co_await with_group([&](TaskGroup& inner) -> Coro<> {
          inner.spawn(slow_to_end(trace, "inner-child", 1s));
          inner.spawn(fail_with(1s, "inner"));
          co_return;
        });
      };
      CHECK_THROWS_AS(co_await with_group(body), std::runtime_error);
    });
    CHECK(trace.text() == "inner-child outer-child");
  }

  TEST_CASE(
      "a failing body and failing children: all failures, in the order in which they happened") {
    run_virtual([]() -> Coro<> {
      auto fails_in_cleanup = [](Duration needed, std::string text) -> Coro<> {
        try {
          co_await sleep_forever();
        } catch (const Cancelled&) {
        }
        co_await shielded(1h, [&] { return sleep_for(needed); });
        throw std::runtime_error(text);
      };
      auto body = [&](TaskGroup& group) -> Coro<> {
        group.spawn(fails_in_cleanup, 3s, "third");
        group.spawn(fails_in_cleanup, 2s, "second");
        co_await sleep(1s);
        throw std::runtime_error("body");
      };
      CHECK_THROWS_WITH(co_await with_group(body), "3 failures: body; second; third");
    });
  }

  TEST_CASE(
      "groups nest: cancelling the inner one leaves the outer one alone, not the other way round") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      co_await with_group([&](TaskGroup& outer) -> Coro<> {
        outer.spawn(slow_to_end(trace, "outer-child", 0s));
        co_await with_group([&](TaskGroup& inner) -> Coro<> {
          inner.spawn(slow_to_end(trace, "inner-child", 0s));
          co_await sleep(1s);
          inner.cancel();
        });
        CHECK_FALSE(outer.scope().cancelled());
        CHECK(outer.size() == 1);
        co_await with_group([&](TaskGroup& inner) -> Coro<> {
          inner.spawn(slow_to_end(trace, "second-inner-child", 1s));
          co_await sleep(1s);
          outer.cancel("all");
          CHECK(inner.scope().cancelled());
          CHECK(inner.scope().reason() == "all");
        });
        trace("never");
      });
    });
    CHECK(trace.text() == "inner-child outer-child second-inner-child");
  }

  TEST_CASE(
      "what is spawned into a group that is being cancelled never runs, and holds up nobody") {
    int alive = 0;
    bool ran = false;
    run_virtual([&]() -> Coro<> {
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        group.spawn([&]() -> Coro<> {
          try {
            co_await sleep_forever();
          } catch (const Cancelled&) {
          }
          // Its cleanup wants help: from a shield too it comes too late for this group.
          co_await shielded(1h, [&]() -> Coro<> {
            co_await sleep(1s);
            Task<> helper = group.spawn(
                [&](Witness) -> Coro<> {
                  ran = true;
                  co_return;
                },
                Witness(alive));
            CHECK_THROWS_AS(co_await helper, TaskCancelled);
          });
        });
        co_await sleep(1s);
        group.cancel();
      });
      CHECK(alive == 0);
      CHECK_FALSE(ran);
    });
  }

  TEST_CASE("anybody can spawn into a group while it joins, when its body has ended") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      TaskGroup* open = nullptr;
      Task<> stranger = spawn([&]() -> Coro<> {
        co_await sleep(1s);
        open->spawn(sleep_for(3s));
        trace("stranger");
      });
      const TimePoint start = Loop::current().exact_now();
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        open = &group;
        group.spawn([&]() -> Coro<> {
          co_await sleep(2s);
          trace("sibling");
          group.spawn(sleep_for(3s));
        });
        trace("body");
        co_return;
      });
      CHECK(Loop::current().exact_now() - start == 5s);
    });
    CHECK(trace.text() == "body stranger sibling");
  }

  TEST_CASE("cancel() from a catch block of the body, and twice") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        group.spawn(slow_to_end(trace, "child", 1s));
        co_await yield_now();
        try {
          throw std::runtime_error("handled");
        } catch (const std::runtime_error& error) {
          group.cancel(error.what());
          group.cancel("second");
        }
        CHECK(co_await cancel_reason(sleep_for(1h)) == "handled");
      });
      trace("after");
    });
    CHECK(trace.text() == "child after");
  }

  TEST_CASE("a cancellation that isn't this group's goes through its body") {
    run_virtual([]() -> Coro<> {
      // Somebody rethrows a Cancelled of elsewhere: the group has no reason to swallow it.
      auto body = [](TaskGroup&) -> Coro<> {
        throw Cancelled("of another task");
        co_return;
      };
      CHECK(co_await cancel_reason(with_group(body)) == "of another task");
    });
  }

  TEST_CASE("ten thousand children") {
    int ended = 0;
    run_virtual([&]() -> Coro<> {
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        for (int i = 0; i < 10'000; ++i) {
          group.spawn(
              [&](int n) -> Coro<> {
                co_await sleep(std::chrono::milliseconds(n % 97));
                ++ended;
              },
              i);
        }
        co_return;
      });
    });
    CHECK(ended == 10'000);
  }

  TEST_CASE("ten thousand sleeping children are cancelled at once") {
    run_virtual([&]() -> Coro<> {
      int ended = 0;
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        for (int i = 0; i < 10'000; ++i) {
          group.spawn([&]() -> Coro<> {
            if (!(co_await cancel_reason(sleep_forever())).empty()) {
              ++ended;
            }
          });
        }
        co_await yield_now();
        group.cancel();
      });
      CHECK(ended == 10'000);
    });
  }
}
