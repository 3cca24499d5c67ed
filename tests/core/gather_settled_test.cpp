#include <simul/gather_settled.hpp>

#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

Coro<int> ends(Duration wait, int value) {
  co_await sleep(wait);
  co_return value;
}

Coro<int> fails(Duration wait, std::string text) {
  co_await sleep(wait);
  throw std::runtime_error(text);
}

Coro<int> gives_up() {
  (co_await detail::this_task).cancel("had enough");
  co_await sleep(1s);
  co_return 1;
}

}  // namespace

TEST_SUITE("gather_settled") {
  TEST_CASE("gives how each child ended, and cancels none") {
    const LogCapture log;
    run_virtual([]() -> Coro<> {
      auto [value, failure, cancelled, nothing] =
          co_await gather_settled(ends(3s, 5), fails(1s, "bad"), gives_up(), sleep_for(1s));
      CHECK(value == 5);
      REQUIRE_FALSE(failure.has_value());
      CHECK(describe(failure.error()) == "bad");
      REQUIRE_FALSE(cancelled.has_value());
      CHECK_THROWS_AS(std::rethrow_exception(cancelled.error()), TaskCancelled);
      CHECK(describe(cancelled.error()) == "cancelled: had enough");
      CHECK(nothing.has_value());
    });
    CHECK(log.count() == 0);
  }

  TEST_CASE("takes vectors, views, and tasks that run already") {
    run_virtual([]() -> Coro<> {
      auto odd_ones_fail = [](int n) {
        return n % 2 == 1 ? fails(1s, std::to_string(n)) : ends(1s, n);
      };
      const auto check = [](const std::vector<Settled<int>>& outcomes) {
        REQUIRE(outcomes.size() == 4);
        CHECK(outcomes[0] == 0);
        CHECK(describe(outcomes[1].error()) == "1");
        CHECK(outcomes[2] == 2);
        CHECK(describe(outcomes[3].error()) == "3");
      };
      check(co_await gather_settled(std::views::iota(0, 4) | std::views::transform(odd_ones_fail)));
      std::vector<Coro<int>> coros;
      std::vector<Task<int>> tasks;
      for (int i = 0; i < 4; ++i) {
        coros.push_back(odd_ones_fail(i));
        tasks.push_back(spawn(odd_ones_fail(i)));
      }
      check(co_await gather_settled(std::move(coros)));
      check(co_await gather_settled(std::move(tasks)));
      auto [a, b] = co_await gather_settled(spawn(ends(1s, 1)), spawn(fails(1s, "b")));
      CHECK(a == 1);
      CHECK(describe(b.error()) == "b");
      CHECK((co_await gather_settled(std::vector<Coro<int>>())).empty());
    });
  }

  TEST_CASE("cancelling it cancels and joins all; a failure among them goes to the log") {
    const LogCapture log;
    run_virtual([]() -> Coro<> {
      auto fails_in_cleanup = []() -> Coro<> {
        try {
          co_await sleep_forever();
        } catch (const Cancelled&) {
        }
        throw std::runtime_error("in cleanup");
      };
      auto all = [&]() -> Coro<> {
        (void)co_await gather_settled(ends(1h, 1), fails_in_cleanup());
      };
      CHECK_FALSE(co_await move_on_after(1s, all));
      CHECK(Loop::current().task_count() == 1);
    });
    CHECK(log.count() == 1);
    CHECK(log.all().find("in cleanup") != std::string::npos);
  }

  TEST_CASE("cancelled everywhere, no child is left behind") {
    for (const bool tasks : {false, true}) {
      CAPTURE(tasks);
      cancel_everywhere([&](Cut& cut) -> Coro<> {
        int alive = 0;
        int begun = 0;
        int finished = 0;
        int cut_off = 0;
        bool whole = false;
        auto child = [&](Witness, int n) -> Coro<int> {
          ++begun;
          try {
            co_await sleep(std::chrono::seconds(n % 3));
          } catch (const Cancelled&) {
            ++cut_off;
            throw;
          }
          ++finished;
          if (n == 1) {
            throw std::runtime_error("one");
          }
          co_return n;
        };
        const bool ended = co_await cut.run([&]() -> Coro<> {
          const LogCapture log;  // the failure of a cut round is reported
          std::vector<Settled<int>> outcomes;
          if (tasks) {
            std::vector<Task<int>> handles;
            for (int i = 0; i < 4; ++i) {
              handles.push_back(spawn(child(Witness(alive), i)));
            }
            outcomes = co_await gather_settled(std::move(handles));
          } else {
            std::vector<Coro<int>> coros;
            for (int i = 0; i < 4; ++i) {
              coros.push_back(child(Witness(alive), i));
            }
            outcomes = co_await gather_settled(std::move(coros));
          }
          whole = outcomes[0] == 0 && !outcomes[1] && outcomes[2] == 2 && outcomes[3] == 3;
        });
        CHECK(alive == 0);
        CHECK(Loop::current().task_count() == 1);
        CHECK(begun == finished + cut_off);
        CHECK(ended == whole);
      });
    }
  }
}
