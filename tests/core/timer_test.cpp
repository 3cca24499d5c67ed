#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <vector>

#include <simul/sleep.hpp>

#include "harness.hpp"
#include "loop_access.hpp"
#include "reactor.hpp"
#include "timer_wheel.hpp"

using namespace simul;
using namespace simul::test;

namespace {

Coro<> say_after(Trace& trace, Duration wait, std::string word) {
  co_await sleep(wait);
  trace(word);
}

Duration cpu_time() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto of = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

long voluntary_switches() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

}  // namespace

TEST_SUITE("timers") {
  TEST_CASE("sleepers wake in the order of their deadlines, equal ones in the order of arming") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      spawn(say_after(trace, 3s, "d"));
      spawn(say_after(trace, 1s, "a"));
      spawn(say_after(trace, 2s, "b"));
      spawn(say_after(trace, 2s, "c"));
      co_await sleep(4s);
    });
    CHECK(trace.text() == "a b c d");
  }

  TEST_CASE("virtual time passes exactly as asked, and only when nothing is ready") {
    run_virtual([]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      for (int i = 0; i < 100; ++i) {
        co_await yield_now();
      }
      CHECK(Loop::current().exact_now() == start);
      co_await sleep(1ns);
      CHECK(Loop::current().exact_now() - start == 1ns);
      co_await sleep(24h * 365 * 100);
      CHECK(Loop::current().exact_now() - start == 24h * 365 * 100 + 1ns);
    });
  }

  TEST_CASE("virtual timers don't depend on the time of the real world, nor on an idle loop") {
    for (const auto start : {TimePoint(1s), TimePoint(24h * 365 * 200)}) {
      VirtualClock clock(start);
      Loop loop(clock);
      loop.run_until_complete([](VirtualClock& time) -> Coro<> {
        bool woken = false;
        spawn([&]() -> Coro<> {
          co_await sleep(500ms);
          woken = true;
        });
        co_await yield_now();
        for (int i = 0; i < 10; ++i) {  // there is always something ready
          co_await yield_now();
        }
        CHECK_FALSE(woken);
        time.pass(1s);
        for (int i = 0; i < 3; ++i) {
          co_await yield_now();
        }
        CHECK(woken);
      }(clock));
    }
  }

  TEST_CASE("sleep cedes control even if the time is zero or past") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      spawn(say_after(trace, -5s, "other"));
      co_await sleep(0s);
      co_await sleep(0s);
      co_await sleep_until(TimePoint{});
      trace("main");
    });
    CHECK(trace.text() == "other main");
  }

  TEST_CASE("one who sleeps for times that are past doesn't starve the others") {
    run_virtual([]() -> Coro<> {
      bool other = false;
      spawn([&]() -> Coro<> {
        co_await sleep(1ms);
        other = true;
      });
      Loop::current();
      const TimePoint start = Loop::current().exact_now();
      co_await sleep(2ms);
      CHECK(other);
      other = false;
      spawn([&]() -> Coro<> {
        co_await sleep(0s);
        other = true;
      });
      for (int i = 0; i < 10 && !other; ++i) {
        co_await sleep_until(start);
      }
      CHECK(other);
    });
  }

  TEST_CASE("a sleep that is cancelled leaves no timer behind") {
    run_virtual([]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      Task<> task = spawn(sleep_for(1h));
      co_await yield_now();
      task.cancel();
      co_await settle();
      CHECK(detail::LoopAccess::timers(Loop::current()).empty());
      CHECK(Loop::current().exact_now() == start);
    });
  }

  TEST_CASE("a hundred thousand timers") {
    run_virtual([]() -> Coro<> {
      std::mt19937_64 random(7);
      TimePoint last{};
      int woken = 0;
      bool in_order = true;
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        for (int i = 0; i < 100'000; ++i) {
          group.spawn(
              [&](Duration wait) -> Coro<> {
                co_await sleep(wait);
                const TimePoint now = Loop::current().now();
                in_order = in_order && now >= last;
                last = now;
                ++woken;
              },
              std::chrono::microseconds(random() % 100'000'000));
        }
        co_return;
      });
      CHECK(woken == 100'000);
      CHECK(in_order);
    });
  }
}

TEST_SUITE("real clock") {
  TEST_CASE("a sleep is never early, and hardly late") {
    run([]() -> Coro<> {
      for (const Duration wait : std::initializer_list<Duration>{100us, 1ms, 1500us, 3ms, 20ms}) {
        Duration shortest = Duration::max();
        for (int i = 0; i < 100 && shortest >= wait + 10ms; ++i) {  // a busy machine is late itself
          const auto start = std::chrono::steady_clock::now();
          co_await sleep(wait);
          const Duration slept = std::chrono::steady_clock::now() - start;
          CHECK(slept >= wait);
          shortest = std::min(shortest, slept);
        }
        CHECK(shortest < wait + 10ms);
      }
    }());
  }

  TEST_CASE("a thousand sleeping tasks use one timerfd") {
    run([]() -> Coro<> {
      CHECK(fds_like("anon_inode:[timerfd]") == 1);
      const std::size_t before = open_fds();
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        for (int i = 0; i < 1000; ++i) {
          group.spawn(sleep_for(std::chrono::milliseconds(5 + i % 10)));
        }
        co_await sleep(2ms);
        CHECK(open_fds() == before);
      });
      CHECK(fds_like("anon_inode:[timerfd]") == 1);
    }());
    CHECK(fds_like("anon_inode:[timerfd]") == 0);
  }

  TEST_CASE("an idle loop sleeps in the kernel: it isn't woken, and burns no CPU") {
    run([]() -> Coro<> {
      spawn(sleep_for(1h));
      co_await sleep(1ms);
      detail::Reactor& reactor = detail::LoopAccess::reactor(Loop::current());
      const std::uint64_t callbacks = reactor.callbacks();
      const long switches = voluntary_switches();
      const Duration cpu = cpu_time();
      co_await sleep(100ms);
      CHECK(cpu_time() - cpu < 20ms);
      CHECK(voluntary_switches() - switches <= 20);  // a tick would cost a hundred
      CHECK(reactor.callbacks() == callbacks);
    }());
  }
}
