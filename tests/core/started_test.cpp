#include <simul/started.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

Coro<> serves(Started<int> started, Trace& trace, Duration needed) {
  co_await sleep(needed);
  started(7000);
  trace("ready");
  co_await sleep(1s);
  trace("ended");
}

Coro<> fails_to_start(Started<int>) {
  co_await sleep(1s);
  throw std::runtime_error("address in use");
}

/// The text of what start() throws; what it gives is ignored.
template <typename T>
Coro<std::string> failure_of(Coro<T> coro) {
  try {
    (void)co_await std::move(coro);
  } catch (const std::exception& error) {
    co_return error.what();
  }
  co_return "";
}

}  // namespace

TEST_SUITE("start") {
  TEST_CASE("waits until the child says that it is ready, and gives its value") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        const int port = co_await group.start<int>(serves, std::ref(trace), 3s);
        CHECK(port == 7000);
        CHECK(Loop::current().exact_now() - start == 3s);
        trace("body");
        CHECK(group.size() == 1);
      });
      trace("after");
    });
    CHECK(trace.text() == "ready body ended after");
  }

  TEST_CASE("a word without a value, and a value that can only be moved") {
    run_virtual([]() -> Coro<> {
      co_await with_group([](TaskGroup& group) -> Coro<> {
        bool ready = false;
        co_await group.start([&](Started<> started) -> Coro<> {
          co_await sleep(1s);
          ready = true;
          started();
        });
        CHECK(ready);
        auto box = co_await group.start<std::unique_ptr<int>>(
            [](Started<std::unique_ptr<int>> started, int value) -> Coro<> {
              started(std::make_unique<int>(value));
              co_return;
            },
            4);
        CHECK(*box == 4);
      });
    });
  }

  TEST_CASE("a failure before it is ready comes out of start(), and only there") {
    const LogCapture log;
    run_virtual([]() -> Coro<> {
      bool sibling = false;
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        group.spawn([&]() -> Coro<> {
          co_await sleep(2s);
          sibling = true;
        });
        CHECK(co_await failure_of(group.start<int>(fails_to_start)) == "address in use");
        CHECK_FALSE(group.scope().cancelled());
      });
      CHECK(sibling);
    });
    CHECK(log.count() == 0);
  }

  TEST_CASE("a failure afterwards is the group's") {
    run_virtual([]() -> Coro<> {
      bool ready = false;
      auto body = [&](TaskGroup& group) -> Coro<> {
        co_await group.start([](Started<> started) -> Coro<> {
          started();
          co_await sleep(1s);
          throw std::runtime_error("later");
        });
        ready = true;
        co_await sleep_forever();
      };
      CHECK_THROWS_WITH(co_await with_group(body), "later");
      CHECK(ready);
    });
  }

  TEST_CASE("a failure in the step of the word is the group's, and start() gives the value") {
    run_virtual([]() -> Coro<> {
      int value = 0;
      auto body = [&](TaskGroup& group) -> Coro<> {
        value = co_await group.start<int>([](Started<int> started) -> Coro<> {
          started(3);
          throw std::runtime_error("at once");
          co_return;
        });
        co_await yield_now();
        value = -1;
      };
      CHECK_THROWS_WITH(co_await with_group(body), "at once");
      CHECK(value == 3);
    });
  }

  TEST_CASE("ending without a word, and saying it twice, are errors") {
    run_virtual([]() -> Coro<> {
      co_await with_group([](TaskGroup& group) -> Coro<> {
        auto silent = [](Started<>) -> Coro<> { co_await sleep(1s); };
        CHECK((co_await failure_of([](TaskGroup& g, auto fn) -> Coro<int> {
                co_await g.start(fn);
                co_return 0;
              }(group, silent))) ==
              "a task that start() waits for has ended without calling started()");
        bool thrown = false;
        co_await group.start([&](Started<> started) -> Coro<> {
          started();
          try {
            started();
          } catch (const std::logic_error&) {
            thrown = true;
          }
          co_return;
        });
        co_await yield_now();
        CHECK(thrown);
      });
    });
  }

  TEST_CASE("a Started may outlive its child, and be called by somebody else") {
    run_virtual([]() -> Coro<> {
      std::optional<Started<int>> kept;
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        group.spawn([&]() -> Coro<> {
          co_await sleep(1s);
          (*kept)(5);
        });
        const int value = co_await group.start<int>([&](Started<int> started) -> Coro<> {
          kept = started;
          co_await sleep(2s);
        });
        CHECK(value == 5);
      });
      CHECK_THROWS_AS((*kept)(6), std::logic_error);
    });
  }

  TEST_CASE("cancelling start() cancels the child and joins it") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        auto slow = [&](Started<> started) -> Coro<> {
          try {
            co_await sleep_forever();
          } catch (const Cancelled& cancelled) {
            trace(cancelled.reason());
          }
          co_await shielded(1h, [] { return sleep_for(2s); });
          started();  // too late: nobody takes it
          co_await shielded(1h, [] { return sleep_for(2s); });
          trace("joined");
        };
        const TimePoint start = Loop::current().exact_now();
        CHECK_FALSE(co_await move_on_after(1s, [&]() -> Coro<> { co_await group.start(slow); }));
        trace("cut");
        CHECK(Loop::current().exact_now() - start == 5s);
        CHECK(group.size() == 0);
        CHECK_FALSE(group.scope().cancelled());
      });
    });
    CHECK(trace.text() == "deadline joined cut");
  }

  TEST_CASE("a cleanup that fails in a cancelled start() comes out of start()") {
    run_virtual([]() -> Coro<> {
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        auto slow = [](Started<int>) -> Coro<> {
          try {
            co_await sleep_forever();
          } catch (const Cancelled&) {
          }
          throw std::runtime_error("cleanup");
        };
        auto limited = [&] { return fail_after(1s, [&] { return group.start<int>(slow); }); };
        CHECK_THROWS_WITH(co_await limited(), "cleanup");
      });
    });
  }

  TEST_CASE("a group that is cancelled cancels a start() from inside as from outside") {
    run_virtual([]() -> Coro<> {
      std::string inside;
      std::string outside;
      Task<> stranger;
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        auto slow = [](Started<int>) -> Coro<> { co_await sleep_forever(); };
        stranger =
            spawn([&]() -> Coro<> { outside = co_await failure_of(group.start<int>(slow)); });
        group.spawn([&]() -> Coro<> { inside = co_await cancel_reason(group.start<int>(slow)); });
        co_await sleep(1s);
        group.cancel("enough");
      });
      co_await stranger;
      CHECK(inside == "enough");
      CHECK(outside == "cancelled: enough");
    });
  }

  TEST_CASE("a cancelled task starts nothing") {
    run_virtual([]() -> Coro<> {
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        bool ran = false;
        Task<> task = spawn([&]() -> Coro<> {
          (co_await detail::this_task).cancel("by itself");
          co_await group.start([&](Started<> started) -> Coro<> {
            ran = true;
            started();
            co_return;
          });
        });
        CHECK_THROWS_AS(co_await task, TaskCancelled);
        CHECK(group.size() == 0);
        CHECK_FALSE(ran);
      });
    });
  }

  TEST_CASE("cancelled everywhere, a child is either joined or a child of the group") {
    const std::size_t rounds = cancel_everywhere([](Cut& cut) -> Coro<> {
      int alive = 0;
      int ended = 0;
      int given = 0;
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        auto child = [&](Started<int> started, Witness) -> Coro<> {
          co_await yield_now();
          co_await sleep(1s);
          started(1);
          co_await sleep(10s);
          ++ended;
        };
        co_await cut.run([&]() -> Coro<> {
          for (int i = 0; i < 3; ++i) {
            given += co_await group.start<int>(child, Witness(alive));
          }
        });
        CHECK(group.size() == static_cast<std::size_t>(given));
      });
      CHECK(ended == given);  // who was ready was left alone
      CHECK(alive == 0);
      CHECK(Loop::current().task_count() == 1);
    });
    CHECK(rounds > 6);
  }
}
