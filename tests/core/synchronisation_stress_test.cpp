// Everything that tasks of one loop synchronise with, at once, with tasks cancelled at random and the
// ready queue in random order.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include <simul/barrier.hpp>
#include <simul/capacity_limiter.hpp>
#include <simul/condition.hpp>
#include <simul/event.hpp>
#include <simul/lock.hpp>
#include <simul/semaphore.hpp>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

constexpr unsigned kSeeds = 300;
constexpr int kTasks = 5;
constexpr int kItems = 25;

class RandomOrder final : public VirtualClock {
 public:
  explicit RandomOrder(unsigned seed) : random_(seed) {}
  [[nodiscard]] bool picks() const noexcept override { return true; }
  std::size_t pick(std::size_t ready) override { return below(ready); }
  std::size_t below(std::size_t end) { return random_() % end; }

 private:
  std::mt19937 random_;
};

/// Counts how many are inside, and whether it was ever one too many.
struct Room {
  std::size_t inside = 0;
  std::size_t most = 0;
};
class Visit {
 public:
  explicit Visit(Room& room) : room_(room) { room.most = std::max(room.most, ++room.inside); }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  ~Visit() { --room_.inside; }

 private:
  Room& room_;
};

class World {
 public:
  explicit World(RandomOrder& order) : order_(order) {}

  Coro<> run() {
    auto body = [this](TaskGroup& group) -> Coro<> {
      for (int i = 0; i < kTasks; ++i) {
        group.spawn(wander());
      }
      group.spawn(produce());
      group.spawn(take_impatiently());
      group.spawn(take_patiently());
      for (std::size_t i = 0; i < barrier_.parties(); ++i) {
        group.spawn(meet());
      }
      co_return;
    };
    auto all = [&]() -> Coro<> { co_await with_group(body); };
    co_await fail_after(1h, all);  // a turn or a notification that is lost stops somebody for ever
  }

  void check() const {
    CHECK_FALSE(lock_.locked());
    CHECK(lock_room_.most == 1);
    CHECK(semaphore_.available() == 2);
    CHECK(semaphore_room_.most == 2);
    CHECK(limiter_.borrowed() == 0);
    CHECK(limiter_.statistics().waiting == 0);
    CHECK(limiter_room_.most <= 3);
    CHECK_FALSE(items_lock_.locked());
    CHECK(items_.empty());
    CHECK(taken_ == kItems);
    CHECK(barrier_.waiting() == 0);
    CHECK(met_ == std::array<int, 3>{10, 10, 10});
  }

 private:
  Coro<> pause() { co_await settle(static_cast<int>(order_.below(3))); }
  Duration patience() { return std::chrono::microseconds(order_.below(20)); }
  Coro<> dawdle() {
    if (order_.below(2) == 0) {
      co_await sleep(patience());
    } else {
      co_await pause();
    }
  }

  Coro<> wander() {
    for (int i = 0; i < 20; ++i) {
      auto use = [&]() -> Coro<> {
        switch (order_.below(4)) {
          case 0: {
            Lock::Guard guard = co_await lock_.lock();
            const Visit visit(lock_room_);
            co_await dawdle();
            break;
          }
          case 1: {
            Semaphore::Permit permit = co_await semaphore_.acquire();
            const Visit visit(semaphore_room_);
            co_await dawdle();
            break;
          }
          case 2: {
            CapacityLimiter::Token token = co_await limiter_.acquire();
            const Visit visit(limiter_room_);
            limiter_.set_total(1 + order_.below(3));
            co_await dawdle();
            break;
          }
          default:
            event_.clear();
            co_await event_.wait();
        }
      };
      (void)co_await move_on_after(patience(), use);
      event_.set();
      co_await pause();
    }
  }

  Coro<> produce() {
    for (int i = 0; i < kItems; ++i) {
      Lock::Guard guard = co_await items_lock_.lock();
      items_.push_back(i);
      has_items_.notify();
      co_await dawdle();
      guard.unlock();
      co_await dawdle();
    }
    produced_all_ = true;
    Lock::Guard guard = co_await items_lock_.lock();
    has_items_.notify_all();
  }
  /// Takes an item, or nothing when there won't be any more.
  Coro<> take() {
    Lock::Guard guard = co_await items_lock_.lock();
    co_await has_items_.wait(guard, [&] { return !items_.empty() || produced_all_; });
    if (!items_.empty()) {
      items_.pop_front();
      ++taken_;
    }
  }
  Coro<> take_impatiently() {
    while (!(produced_all_ && items_.empty())) {
      auto once = [this]() -> Coro<> { co_await take(); };
      (void)co_await move_on_after(patience(), once);
      co_await pause();
    }
  }
  Coro<> take_patiently() {
    while (!(produced_all_ && items_.empty())) {
      co_await take();
    }
  }

  /// Ten meetings, however often it is cut off on the way to one.
  Coro<> meet() {
    for (int met = 0; met < 10;) {
      auto once = [&]() -> Coro<> {
        ++met_[co_await barrier_.wait()];
        ++met;
      };
      (void)co_await move_on_after(patience(), once);
      co_await pause();
    }
  }

  RandomOrder& order_;
  Lock lock_;
  Room lock_room_;
  Semaphore semaphore_{2, 2};
  Room semaphore_room_;
  CapacityLimiter limiter_{3};
  Room limiter_room_;
  Event event_;
  Lock items_lock_;
  Condition has_items_{items_lock_};
  std::deque<int> items_;
  bool produced_all_ = false;
  int taken_ = 0;
  Barrier barrier_{3};
  std::array<int, 3> met_{};
};

}  // namespace

TEST_SUITE("synchronisation stress") {
  TEST_CASE("in any order and with any cut, nothing is lost and nobody is forgotten") {
    for (unsigned seed = 0; seed < kSeeds; ++seed) {
      CAPTURE(seed);
      RandomOrder order(seed);
      World world(order);
      Loop loop(order);
      CHECK_NOTHROW(loop.run_until_complete(world.run()));
      world.check();
    }
  }

  TEST_CASE("with many tasks on one lock each has as many turns as it wants") {
    for (unsigned seed = 0; seed < kSeeds; ++seed) {
      CAPTURE(seed);
      RandomOrder order(seed);
      Loop loop(order);
      Lock lock;
      std::vector<int> turns(8);
      auto compete = [&](std::size_t self) -> Coro<> {
        for (int i = 0; i < 10; ++i) {
          Lock::Guard guard = co_await lock.lock();
          ++turns[self];
          co_await yield_now();
        }
      };
      auto body = [&](TaskGroup& group) -> Coro<> {
        for (std::size_t i = 0; i < turns.size(); ++i) {
          group.spawn(compete(i));
        }
        co_return;
      };
      loop.run_until_complete(with_group(body));
      CHECK(turns == std::vector<int>(8, 10));
    }
  }
}
