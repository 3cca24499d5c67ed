#include <simul/as_completed.hpp>

#include <algorithm>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

Coro<int> ends(Duration time, int value) {
  co_await sleep(time);
  co_return value;
}

std::vector<Task<int>> tasks_after(std::vector<int> seconds) {
  std::vector<Task<int>> tasks;
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    tasks.push_back(spawn(ends(std::chrono::seconds(seconds[i]), static_cast<int>(i))));
  }
  return tasks;
}

/// Who goes first in a turn is drawn.
class Shuffling final : public VirtualClock {
 public:
  explicit Shuffling(unsigned seed) : random_(seed) {}
  [[nodiscard]] bool picks() const noexcept override { return true; }
  std::size_t pick(std::size_t count) override { return random_() % count; }

 private:
  std::mt19937 random_;
};

}  // namespace

TEST_SUITE("as_completed") {
  TEST_CASE("gives the tasks in the order in which they end, then nullptr") {
    run_virtual([]() -> Coro<> {
      auto tasks = tasks_after({3, 1, 2});
      std::vector<int> order;
      auto finished = as_completed(tasks);
      while (Task<int>* task = co_await finished.next()) {
        CHECK(task->done());
        order.push_back(co_await *task);
      }
      CHECK(order == std::vector{1, 2, 0});
      CHECK(co_await finished.next() == nullptr);
    });
  }

  TEST_CASE(
      "those that end in the same turn come in the order of the arguments, whoever ran first") {
    for (unsigned seed = 0; seed < 50; ++seed) {
      CAPTURE(seed);
      Shuffling clock(seed);
      Loop loop(clock);
      loop.run_until_complete([]() -> Coro<> {
        auto tasks = tasks_after({2, 1, 2, 1, 1, 2});
        std::vector<int> order;
        auto finished = as_completed(tasks);
        while (Task<int>* task = co_await finished.next()) {
          order.push_back(co_await *task);
        }
        CHECK(order == std::vector{1, 3, 4, 0, 2, 5});
      }());
    }
  }

  TEST_CASE("ties that came while the consumer was away are told apart by their turns") {
    run_virtual([]() -> Coro<> {
      auto tasks = tasks_after({3, 2, 1, 1, 3});
      auto finished = as_completed(tasks);
      co_await sleep(1h);
      std::vector<int> order;
      while (Task<int>* task = co_await finished.next()) {
        order.push_back(co_await *task);
      }
      CHECK(order == std::vector{2, 3, 1, 0, 4});
    });
  }

  TEST_CASE("those that had ended before come first, in the order of the arguments") {
    run_virtual([]() -> Coro<> {
      auto tasks = tasks_after({4, 2, 1, 3});
      co_await sleep(2500ms);
      auto finished = as_completed(tasks);
      std::vector<int> order;
      while (Task<int>* task = co_await finished.next()) {
        order.push_back(co_await *task);
      }
      CHECK(order == std::vector{1, 2, 3, 0});
    });
  }

  TEST_CASE("one that is due doesn't cede; one that ended in this very turn does") {
    run_virtual([]() -> Coro<> {
      auto tasks = tasks_after({1, 2});
      auto finished = as_completed(tasks);
      co_await sleep(90min);
      bool other = false;
      spawn([&]() -> Coro<> {
        other = true;
        co_return;
      });
      CHECK(co_await finished.next() == &tasks[0]);
      CHECK(co_await finished.next() == &tasks[1]);
      CHECK_FALSE(other);
    });
    run_virtual([]() -> Coro<> {
      std::vector<Task<>> tasks;
      auto nothing = []() -> Coro<> { co_return; };
      tasks.push_back(spawn(sleep_for(1h)));
      tasks.push_back(spawn(nothing));
      // Made in this turn: the second task ends in the next one, before this one's turn comes again.
      auto finished = as_completed(tasks);
      co_await yield_now();
      bool other = false;
      spawn([&]() -> Coro<> {
        other = true;
        co_return;
      });
      CHECK(co_await finished.next() == &tasks[1]);
      CHECK(other);
    });
  }

  TEST_CASE("failed and cancelled tasks come like all others") {
    run_virtual([]() -> Coro<> {
      std::vector<Task<>> tasks;
      tasks.push_back(spawn(sleep_for(1h)));
      tasks.push_back(spawn([]() -> Coro<> {
        co_await sleep(1s);
        throw std::runtime_error("bad");
      }));
      auto finished = as_completed(tasks);
      Task<>* first = co_await finished.next();
      REQUIRE(first == &tasks[1]);
      CHECK_THROWS_AS(co_await *first, std::runtime_error);
      tasks[0].cancel();
      Task<>* second = co_await finished.next();
      REQUIRE(second == &tasks[0]);
      CHECK(second->state() == TaskState::cancelled);
    });
  }

  TEST_CASE("can be left early: the tasks go on") {
    run_virtual([]() -> Coro<> {
      auto tasks = tasks_after({1, 2, 3});
      {
        auto finished = as_completed(tasks);
        CHECK(co_await finished.next() == &tasks[0]);
      }
      CHECK(co_await tasks[2] == 2);
    });
  }

  TEST_CASE("a time limit around it loses none") {
    run_virtual([]() -> Coro<> {
      auto tasks = tasks_after({1, 3, 2});
      auto finished = as_completed(tasks);
      std::vector<int> order;
      auto collect = [&]() -> Coro<> {
        while (Task<int>* task = co_await finished.next()) {
          order.push_back(co_await *task);
        }
      };
      CHECK_THROWS_AS(co_await fail_after(1500ms, collect), TimedOut);
      CHECK(order == std::vector{0});
      co_await collect();
      CHECK(order == std::vector{0, 2, 1});
    });
  }

  TEST_CASE("no tasks are no error; an empty handle, oneself, and two who wait at once are") {
    run_virtual([]() -> Coro<> {
      std::vector<Task<int>> none;
      auto nothing = as_completed(none);
      CHECK(co_await nothing.next() == nullptr);

      std::vector<Task<int>> empty(1);
      CHECK_THROWS_AS((void)as_completed(empty), std::logic_error);

      std::vector<Task<>> itself;
      itself.push_back(spawn([&]() -> Coro<> {
        CHECK_THROWS_AS((void)as_completed(itself), std::logic_error);
        co_return;
      }));
      co_await itself[0];

      auto tasks = tasks_after({1});
      auto finished = as_completed(tasks);
      Task<> other = spawn([&]() -> Coro<> { (void)co_await finished.next(); });
      co_await yield_now();
      CHECK_THROWS_AS(co_await finished.next(), std::logic_error);
      co_await other;
    });
  }

  TEST_CASE("cancelled everywhere, none is lost or given twice") {
    const std::size_t rounds = cancel_everywhere([](Cut& cut) -> Coro<> {
      auto tasks = tasks_after({0, 2, 1, 2, 0});
      auto finished = as_completed(tasks);
      std::vector<int> given;
      auto collect = [&]() -> Coro<> {
        while (Task<int>* task = co_await finished.next()) {
          given.push_back(static_cast<int>(task - tasks.data()));
        }
      };
      co_await cut.run(collect);
      co_await collect();  // goes on where it was cut
      CHECK(given == std::vector{0, 4, 2, 1, 3});
      CHECK(Loop::current().task_count() == 1);
    });
    CHECK(rounds >= 4);
  }

  TEST_CASE("a hundred thousand tasks take linear time") {
    run_virtual([]() -> Coro<> {
      std::vector<int> seconds(100'000);
      for (std::size_t i = 0; i < seconds.size(); ++i) {
        seconds[i] = static_cast<int>(i * 7919 % 1000);
      }
      auto tasks = tasks_after(seconds);
      auto finished = as_completed(tasks);
      std::size_t count = 0;
      int last = 0;
      bool ordered = true;
      while (Task<int>* task = co_await finished.next()) {
        const int now = seconds[static_cast<std::size_t>(task - tasks.data())];
        ordered = ordered && now >= last;
        last = now;
        ++count;
      }
      CHECK(count == seconds.size());
      CHECK(ordered);
    });
  }
}
