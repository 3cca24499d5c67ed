#include "timer_wheel.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;
using detail::TimerWheel;

namespace {

TimePoint at(Duration time) { return TimePoint(1h) + time; }

struct Probe final : detail::Timer {
  explicit Probe(std::vector<int>& f, int n) : fired(&f), id(n) {}
  void on_timer() noexcept override {
    fired->push_back(id);
    if (then) {
      then();
    }
  }
  std::vector<int>* fired;
  int id;
  std::function<void()> then;
};

/// What the wheel has to do, written down naively.
class Model {
 public:
  void insert(int id, TimePoint deadline) {
    remove(id);
    entries_.push_back({std::max(deadline, present_), order_++, id});
  }
  void remove(int id) {
    std::erase_if(entries_, [&](const Entry& entry) { return entry.id == id; });
  }
  std::vector<int> advance(TimePoint now) {
    present_ = std::max(present_, now);
    std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
      return a.deadline != b.deadline ? a.deadline < b.deadline : a.order < b.order;
    });
    std::vector<int> fired;
    std::size_t due = 0;
    while (due < entries_.size() && entries_[due].deadline <= now) {
      fired.push_back(entries_[due++].id);
    }
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(due));
    return fired;
  }
  [[nodiscard]] TimePoint earliest() const {
    TimePoint first = kNever;
    for (const Entry& entry : entries_) {
      first = std::min(first, entry.deadline);
    }
    return first;
  }

 private:
  struct Entry {
    TimePoint deadline;
    std::uint64_t order;
    int id;
  };
  std::vector<Entry> entries_;
  std::uint64_t order_ = 0;
  TimePoint present_ = at(0s);
};

/// Deadlines of all magnitudes, with many equal ones.
Duration some_wait(std::mt19937_64& random) {
  switch (random() % 6) {
    case 0:
      return Duration(random() % 1000);
    case 1:
      return std::chrono::milliseconds(random() % 200);
    case 2:
      return std::chrono::microseconds(random() % 3'000'000);
    case 3:
      return std::chrono::seconds(random() % 5000);
    case 4:
      return std::chrono::hours(random() % 100'000);
    default:
      return -std::chrono::milliseconds(random() % 100);
  }
}

void compare_with_model(std::uint64_t seed) {
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::vector<int> fired;
  TimerWheel wheel(at(0s));
  Model model;
  TimePoint now = at(0s);
  std::vector<std::unique_ptr<Probe>> probes;
  std::vector<bool> armed;
  for (int i = 0; i < 64; ++i) {
    probes.push_back(std::make_unique<Probe>(fired, i));
  }
  armed.resize(probes.size());
  auto disarm = [&](std::size_t i) {
    if (armed[i]) {
      wheel.remove(*probes[i]);
      model.remove(static_cast<int>(i));
      armed[i] = false;
    }
  };
  for (int step = 0; step < 3000; ++step) {
    const std::size_t i = random() % probes.size();
    switch (random() % 4) {
      case 0:
        disarm(i);
        break;
      case 1:
      case 2: {
        disarm(i);
        const TimePoint deadline = now + some_wait(random);
        wheel.insert(*probes[i], deadline);
        model.insert(static_cast<int>(i), deadline);
        armed[i] = true;
        break;
      }
      default: {
        const TimePoint earliest = model.earliest();
        const TimePoint bound = wheel.next();
        REQUIRE((bound == kNever) == (earliest == kNever));
        REQUIRE(bound <= earliest);
        switch (random() % 3) {
          case 0:
            now += Duration(random() % 5'000'000);
            break;
          case 1:
            now += std::max(some_wait(random), Duration(0)) / 100;
            break;
          default:
            now = earliest == kNever ? now : std::max(now, earliest);
        }
        fired.clear();
        wheel.advance(now);
        const std::vector<int> expected = model.advance(now);
        REQUIRE(fired == expected);
        for (const int id : fired) {
          armed[static_cast<std::size_t>(id)] = false;
        }
      }
    }
    REQUIRE(wheel.empty() == (std::count(armed.begin(), armed.end(), true) == 0));
  }
}

}  // namespace

TEST_SUITE("timer wheel") {
  TEST_CASE("it does what a sorted list does, for random operations") {
    for (const std::uint64_t seed : {1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987}) {
      compare_with_model(seed);
    }
  }

  TEST_CASE("next() leads to the earliest deadline in few steps, whatever lies between") {
    std::vector<int> fired;
    for (const Duration wait :
         std::initializer_list<Duration>{1ns, 1ms, 1s, 1min, 1h, 24h, 24h * 365 * 100}) {
      TimerWheel wheel(at(0s));
      Probe probe(fired, 1);
      wheel.insert(probe, at(wait));
      int steps = 0;
      fired.clear();
      while (fired.empty()) {
        const TimePoint next = wheel.next();
        REQUIRE(next <= at(wait));
        wheel.advance(next);
        REQUIRE(++steps <= 10);
      }
      CHECK(wheel.next() == kNever);
    }
  }

  TEST_CASE("nothing fires early, not even by a nanosecond") {
    std::vector<int> fired;
    TimerWheel wheel(at(0s));
    Probe probe(fired, 1);
    wheel.insert(probe, at(1234567891ns));
    wheel.advance(at(1234567890ns));
    CHECK(fired.empty());
    wheel.advance(at(1234567891ns));
    CHECK(fired.size() == 1);
  }

  TEST_CASE("a timer may disarm and destroy others while it fires") {
    std::vector<int> fired;
    TimerWheel wheel(at(0s));
    Probe first(fired, 1);
    auto second = std::make_unique<Probe>(fired, 2);
    Probe third(fired, 3);
    wheel.insert(first, at(1s));
    wheel.insert(*second, at(1s));
    wheel.insert(third, at(2s));
    first.then = [&] { second.reset(); };
    wheel.advance(at(3s));
    CHECK(fired == std::vector<int>{1, 3});
  }

  TEST_CASE("what is armed while others fire waits for the next round") {
    std::vector<int> fired;
    TimerWheel wheel(at(0s));
    Probe again(fired, 1);
    wheel.insert(again, at(1s));
    again.then = [&] { wheel.insert(again, at(0s)); };
    wheel.advance(at(2s));
    CHECK(fired == std::vector<int>{1});
    wheel.advance(at(2s));
    CHECK(fired == std::vector<int>{1, 1});
  }

  TEST_CASE("a timer that is armed for the past again and again doesn't starve the others") {
    std::vector<int> fired;
    TimerWheel wheel(at(0s));
    Probe greedy(fired, 1);
    Probe other(fired, 2);
    wheel.insert(greedy, at(1s));
    wheel.insert(other, at(2s));
    greedy.then = [&] { wheel.insert(greedy, at(1s)); };
    wheel.advance(at(3s));
    CHECK(fired == std::vector<int>{1, 2});
  }

  TEST_CASE("a wheel that is destroyed lets its timers go") {
    std::vector<int> fired;
    Probe near(fired, 1);
    Probe far(fired, 2);
    {
      TimerWheel wheel(at(0s));
      wheel.insert(near, at(0s));
      wheel.insert(far, at(1h));
      CHECK(far.armed());
    }
    CHECK_FALSE(near.armed());
    CHECK_FALSE(far.armed());
    far.disarm();
  }
}
