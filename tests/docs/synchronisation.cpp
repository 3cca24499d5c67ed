// The snippets of docs/runtime/synchronisation.md.
#include <algorithm>
#include <chrono>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <simul/simul.hpp>
#include <simul/testing.hpp>

using namespace simul;
using namespace std::chrono_literals;

namespace {

struct Account {
  int balance = 0;
  Lock lock;
};

// [lock]
Coro<> transfer(Account& account, int amount) {
  Lock::Guard guard = co_await account.lock.lock();
  int balance = account.balance;
  co_await sleep(1ms);  // another task may run here, but it can't have the lock
  account.balance = balance + amount;
}  // the first in line has the lock now
// [/lock]

// [condition]
class Jobs {
 public:
  Coro<> put(std::string job) {
    Lock::Guard guard = co_await lock_.lock();
    jobs_.push_back(std::move(job));
    changed_.notify();
  }

  Coro<std::string> take() {
    Lock::Guard guard = co_await lock_.lock();
    co_await changed_.wait(guard, [this] { return !jobs_.empty(); });
    std::string job = std::move(jobs_.front());
    jobs_.pop_front();
    co_return job;
  }

 private:
  Lock lock_;
  Condition changed_{lock_};
  std::deque<std::string> jobs_;
};
// [/condition]

template <typename Fn>
void run_virtual(Fn fn) {
  VirtualClock clock;
  Loop loop(clock);
  loop.run_until_complete(fn());
}

}  // namespace

TEST_SUITE("docs: synchronisation") {
  TEST_CASE("lock") {
    run_virtual([]() -> Coro<> {
      Account account;
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        for (int i = 0; i < 10; ++i) {
          group.spawn(transfer(account, 5));
        }
        co_return;
      });
      CHECK(account.balance == 50);
    });
  }

  TEST_CASE("event") {
    run_virtual([]() -> Coro<> {
      // [event]
      Event ready;
      std::string log;
      Task<> task = spawn([&]() -> Coro<> {
        co_await ready.wait();
        log += "go";
      });
      log += "ready, ";
      ready.set();
      co_await task;
      // [/event]
      CHECK(log == "ready, go");
    });
  }

  TEST_CASE("semaphore") {
    run_virtual([]() -> Coro<> {
      int now = 0;
      int most = 0;
      auto fetch = [&](int) -> Coro<> {
        most = std::max(most, ++now);
        co_await sleep(1s);
        --now;
      };
      // [semaphore]
      Semaphore slots(3);
      auto fetch_politely = [&](int page) -> Coro<> {
        Semaphore::Permit permit = co_await slots.acquire();
        co_await fetch(page);  // three at a time
      };
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        for (int page = 0; page < 10; ++page) {
          group.spawn(fetch_politely(page));
        }
        co_return;
      });
      // [/semaphore]
      CHECK(most == 3);
    });
  }

  TEST_CASE("timeout") {
    Lock lock;
    Lock::Guard holder = lock.try_lock();
    run_virtual([&]() -> Coro<> {
      // [timeout]
      Lock::Guard guard;
      auto lock_it = [&]() -> Coro<> { guard = co_await lock.lock(); };
      bool in_time = co_await move_on_after(5s, lock_it);
      CHECK(in_time == static_cast<bool>(guard));  // one or the other, never half of it
      // [/timeout]
      CHECK_FALSE(in_time);
    });
  }

  TEST_CASE("condition") {
    run_virtual([]() -> Coro<> {
      Jobs jobs;
      Task<std::string> taker = spawn(jobs.take());
      co_await yield_now();
      co_await jobs.put("sweep");
      CHECK(co_await taker == "sweep");
    });
  }

  TEST_CASE("barrier") {
    run_virtual([]() -> Coro<> {
      constexpr std::size_t kWorkers = 3;
      std::vector<int> seen;
      int round_of[kWorkers] = {};
      auto compute = [&](std::size_t worker) -> Coro<> {
        co_await sleep(std::chrono::seconds(worker));
        ++round_of[worker];
      };
      // [barrier]
      Barrier barrier(kWorkers);
      auto work = [&](std::size_t worker) -> Coro<> {
        for (int round = 0; round < 2; ++round) {
          co_await compute(worker);
          if (co_await barrier.wait() == 0) {  // one of them, when all are there
            seen.push_back(round_of[0] + round_of[1] + round_of[2]);
          }
        }
      };
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        for (std::size_t worker = 0; worker < kWorkers; ++worker) {
          group.spawn(work(worker));
        }
        co_return;
      });
      // [/barrier]
      CHECK(seen.size() == 2);
      CHECK(seen.front() >= 3);
    });
  }
}
