#include <simul/on_exit.hpp>

#include <stdexcept>
#include <string>
#include <vector>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

/// A cleanup that awaits and says so.
auto says(Trace& trace, std::string word) {
  return [&trace, word = std::move(word)]() -> Coro<> {
    co_await sleep(1s);
    trace(word);
  };
}

Coro<> throws(std::string text) {
  co_await yield_now();
  throw std::runtime_error(text);
}

}  // namespace

TEST_SUITE("on_exit") {
  TEST_CASE("the cleanup comes after the body, and the body's value is given") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      const int value = co_await on_exit(1h, says(trace, "cleanup"), [&]() -> Coro<int> {
        co_await sleep(1s);
        trace("body");
        co_return 5;
      });
      CHECK(value == 5);
      trace("after");
    });
    CHECK(trace.text() == "body cleanup after");
  }

  TEST_CASE("the body's exception is thrown after the cleanup") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      auto failing = [&] {
        return on_exit(1h, says(trace, "cleanup"), [] { return throws("bad"); });
      };
      CHECK_THROWS_WITH(co_await failing(), "bad");
      trace("after");
    });
    CHECK(trace.text() == "cleanup after");
  }

  TEST_CASE(
      "a cancelled body is cleaned up after, protected for its grace, and the cancellation goes "
      "on") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      Task<> task = spawn([&]() -> Coro<> {
        co_await on_exit(1h, says(trace, "cleanup"), [] { return sleep_forever(); });
        trace("never");
      });
      co_await sleep(1s);
      task.cancel("enough");
      CHECK_THROWS_WITH(co_await task, "cancelled: enough");
    });
    CHECK(trace.text() == "cleanup");
  }

  TEST_CASE("a cleanup is cut off when its grace is used up") {
    run_virtual([]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      std::string cut;
      Task<> task = spawn([&]() -> Coro<> {
        auto cleanup = [&]() -> Coro<> { cut = co_await cancel_reason(sleep_forever()); };
        co_await on_exit(2s, cleanup, [] { return sleep_forever(); });
      });
      co_await sleep(1s);
      task.cancel("enough");
      CHECK_THROWS_AS(co_await task, TaskCancelled);
      CHECK(cut == "enough");
      CHECK(Loop::current().exact_now() - start == 3s);
    });
  }

  TEST_CASE("when both fail, both are thrown, the body's first") {
    run_virtual([]() -> Coro<> {
      auto both = [] {
        return on_exit(1h, [] { return throws("cleanup"); }, [] { return throws("body"); });
      };
      CHECK_THROWS_WITH(co_await both(), "2 failures: body; cleanup");
    });
  }

  TEST_CASE("a failed cleanup alone is thrown as itself") {
    run_virtual([]() -> Coro<> {
      auto bad = [] {
        return on_exit(1h, [] { return throws("cleanup"); }, []() -> Coro<int> { co_return 1; });
      };
      CHECK_THROWS_WITH(co_await bad(), "cleanup");
    });
  }

  TEST_CASE("after a cancelled body a failed cleanup is thrown, and the cancellation comes again") {
    run_virtual([]() -> Coro<> {
      std::string text;
      std::string reason;
      Task<> task = spawn([&]() -> Coro<> {
        try {
          co_await on_exit(1h, [] { return throws("cleanup"); }, [] { return sleep_forever(); });
        } catch (const std::runtime_error& error) {
          text = error.what();
        }
        reason = co_await cancel_reason(sleep_for(1h));
      });
      co_await sleep(1s);
      task.cancel("enough");
      co_await task;
      CHECK(text == "cleanup");
      CHECK(reason == "enough");
    });
  }

  TEST_CASE("a failed body with a cleanup that was cut off throws the failure") {
    run_virtual([]() -> Coro<> {
      std::string text;
      std::string reason;
      Task<> task = spawn([&]() -> Coro<> {
        try {
          co_await on_exit(1s, [] { return sleep_forever(); }, [] { return throws("body"); });
        } catch (const std::runtime_error& error) {
          text = error.what();
        }
        reason = co_await cancel_reason(sleep_for(1h));
      });
      co_await sleep(1s);
      task.cancel("enough");
      co_await task;
      CHECK(text == "body");
      CHECK(reason == "enough");
    });
  }

  TEST_CASE("a Cancelled that belongs to nobody around is a failure like any other") {
    run_virtual([]() -> Coro<> {
      auto stray = []() -> Coro<> {
        throw Cancelled("stray");
        co_return;
      };
      auto nothing = []() -> Coro<> { co_return; };
      CHECK(co_await cancel_reason(on_exit(1h, stray, nothing)) == "stray");
      auto both = [&] { return on_exit(1h, stray, [] { return throws("body"); }); };
      CHECK_THROWS_WITH(co_await both(), "2 failures: body; cancelled: stray");
    });
  }

  TEST_CASE("a value wins over a cancellation that comes during the cleanup") {
    run_virtual([]() -> Coro<> {
      int value = 0;
      std::string reason;
      Task<> task = spawn([&]() -> Coro<> {
        value = co_await on_exit(
            1s, [] { return sleep_forever(); }, []() -> Coro<int> { co_return 5; });
        reason = co_await cancel_reason(sleep_for(1h));
      });
      co_await sleep(1s);
      task.cancel("enough");
      co_await task;
      CHECK(value == 5);
      CHECK(reason == "enough");
    });
  }

  TEST_CASE("cleanups nest: the inner one comes first") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      const bool in_time = co_await move_on_after(1s, [&]() -> Coro<> {
        co_await on_exit(1h, says(trace, "outer"), [&]() -> Coro<> {
          co_await on_exit(1h, says(trace, "inner"), [] { return sleep_forever(); });
        });
      });
      CHECK_FALSE(in_time);
    });
    CHECK(trace.text() == "inner outer");
  }

  TEST_CASE("cancelled everywhere, what was begun is cleaned up") {
    const std::size_t rounds = cancel_everywhere([](Cut& cut) -> Coro<> {
      int begun = 0;
      int cleaned = 0;
      int alive = 0;
      co_await cut.run([&]() -> Coro<> {
        for (int i = 0; i < 3; ++i) {
          ++begun;
          co_await on_exit(
              1h,
              [&, w = Witness(alive)]() -> Coro<> {
                co_await yield_now();
                co_await sleep(1s);
                ++cleaned;
              },
              [&, w = Witness(alive)]() -> Coro<> {
                co_await yield_now();
                co_await sleep(1s);
              });
        }
      });
      CHECK(cleaned == begun);
      CHECK(alive == 0);
    });
    CHECK(rounds > 10);
  }
}
