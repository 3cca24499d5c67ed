#include <simul/capacity_limiter.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "dying.hpp"
#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

/// Borrows a token and holds it until `stop`.
Coro<> borrow(CapacityLimiter& limiter, Trace& trace, std::string word, const bool& stop) {
  CapacityLimiter::Token token = co_await limiter.acquire();
  trace(word);
  while (!stop) {
    co_await yield_now();
  }
}

}  // namespace

TEST_SUITE("capacity limiter") {
  TEST_CASE("as many at a time as there are tokens, first come, first served") {
    run_virtual([]() -> Coro<> {
      CapacityLimiter limiter(2);
      Trace trace;
      int inside = 0;
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        for (int i = 0; i < 6; ++i) {
          group.spawn(
              [&](int number) -> Coro<> {
                CapacityLimiter::Token token = co_await limiter.acquire();
                const Witness witness(inside);
                CHECK(inside <= 2);
                trace(std::to_string(number));
                co_await settle(3);
              },
              i);
        }
        co_return;
      });
      CHECK(trace.text() == "0 1 2 3 4 5");
      CHECK(limiter.borrowed() == 0);
      CHECK(limiter.available() == 2);
    });
  }

  TEST_CASE("more tokens go to those who wait; with fewer nobody loses his") {
    run_virtual([]() -> Coro<> {
      CapacityLimiter limiter(0);
      Trace trace;
      bool stop_ab = false;
      bool stop_cd = false;
      Task<> a = spawn(borrow(limiter, trace, "a", stop_ab));
      Task<> b = spawn(borrow(limiter, trace, "b", stop_ab));
      Task<> c = spawn(borrow(limiter, trace, "c", stop_cd));
      Task<> d = spawn(borrow(limiter, trace, "d", stop_cd));
      co_await settle();
      CHECK(trace.text().empty());
      limiter.set_total(3);
      CHECK(limiter.borrowed() == 3);  // at once
      co_await settle();
      CHECK(trace.text() == "a b c");
      limiter.set_total(1);
      CHECK(limiter.borrowed() == 3);
      CHECK(limiter.available() == 0);
      stop_ab = true;
      co_await a;
      co_await b;
      co_await settle();
      CHECK(trace.text() == "a b c");
      CHECK(limiter.borrowed() == 1);
      CHECK(limiter.available() == 0);
      stop_cd = true;
      co_await d;
      CHECK(trace.text() == "a b c d");
      CHECK(limiter.available() == 1);
    });
  }

  TEST_CASE("a task borrows once") {
    run_virtual([]() -> Coro<> {
      CapacityLimiter limiter(3);
      CapacityLimiter::Token token = co_await limiter.acquire();
      CHECK_THROWS_AS((void)co_await limiter.acquire(), std::logic_error);
      CHECK_THROWS_AS((void)limiter.try_acquire(), std::logic_error);
      CHECK(limiter.borrowed() == 1);
      token.release();
      CHECK_THROWS_AS(token.release(), std::logic_error);
      token = limiter.try_acquire();
      CHECK(token);
      limiter.set_total(0);
      token = {};
      CHECK_FALSE(limiter.try_acquire());
    });
    CapacityLimiter limiter(3);
    CHECK_THROWS_AS((void)limiter.try_acquire(), std::logic_error);  // outside of any task
  }

  TEST_CASE("a token may be moved about, and in any order tokens come back") {
    run_virtual([]() -> Coro<> {
      CapacityLimiter limiter(3);
      std::vector<CapacityLimiter::Token> tokens;  // moves them as it grows
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        for (const char* name : {"a", "b", "c"}) {
          group
              .spawn([&]() -> Coro<> {
                CapacityLimiter::Token token = co_await limiter.acquire();
                tokens.push_back(std::move(token));
              })
              .set_name(name);
        }
        co_return;
      });
      CHECK(limiter.borrowed() == 3);
      CHECK(limiter.statistics().borrowers == std::vector<std::string>{"c", "b", "a"});
      tokens.erase(tokens.begin() + 1);
      CHECK(limiter.statistics().borrowers == std::vector<std::string>{"c", "a"});
      // The borrowers have ended, but no later task is taken for them.
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        for (int i = 0; i < 5; ++i) {
          group.spawn(
              [&]() -> Coro<> { CapacityLimiter::Token token = co_await limiter.acquire(); });
        }
        co_return;
      });
      tokens.clear();
      CHECK(limiter.borrowed() == 0);
    });
  }

  TEST_CASE("statistics say how many there are, are borrowed, and wait, and who has them") {
    run_virtual([]() -> Coro<> {
      CapacityLimiter limiter(1);
      Trace trace;
      bool stop = false;
      Task<> a = spawn(borrow(limiter, trace, "a", stop));
      a.set_name("worker a");
      Task<> b = spawn(borrow(limiter, trace, "b", stop));
      co_await yield_now();
      const CapacityLimiter::Statistics statistics = limiter.statistics();
      CHECK(statistics.total == 1);
      CHECK(statistics.borrowed == 1);
      CHECK(statistics.waiting == 1);
      CHECK(statistics.borrowers == std::vector<std::string>{"worker a"});
      stop = true;
      co_await b;
    });
  }

  TEST_CASE("a token that is always there starves nobody") {
    run_virtual([]() -> Coro<> {
      CapacityLimiter limiter(1);
      bool stop = false;
      int count = 0;
      Task<> busy = spawn([&]() -> Coro<> {
        while (!stop && count < 1'000'000) {
          CapacityLimiter::Token token = co_await limiter.acquire();
          ++count;
        }
      });
      co_await yield_now();
      {
        CapacityLimiter::Token token = co_await limiter.acquire();
      }
      stop = true;
      co_await busy;
      CHECK(count < 1000);
    });
  }

  TEST_CASE("handed over and cancelled, in both orders: one or the other has the token") {
    for (const bool released_first : {true, false}) {
      CAPTURE(released_first);
      run_virtual([&]() -> Coro<> {
        CapacityLimiter limiter(1);
        Trace trace;
        bool stop = true;
        CapacityLimiter::Token token = co_await limiter.acquire();
        Task<> task = spawn([&]() -> Coro<> {
          co_await borrow(limiter, trace, "task", stop);
          co_await yield_now();
        });
        Task<> next = spawn(borrow(limiter, trace, "next", stop));
        co_await yield_now();
        if (released_first) {
          token.release();
          task.cancel();
        } else {
          task.cancel();
          token.release();
        }
        CHECK(limiter.borrowed() == 1);
        co_await next;
        CHECK(task.state() == TaskState::cancelled);
        CHECK(trace.text() == (released_first ? "task next" : "next"));
        CHECK(limiter.borrowed() == 0);
      });
    }
  }

  TEST_CASE("a token that leaves a cancelled scope is still one") {
    run_virtual([]() -> Coro<> {
      CapacityLimiter limiter(1);
      std::optional<CapacityLimiter::Token> token =
          co_await with_scope([&](CancelScope& scope) -> Coro<CapacityLimiter::Token> {
            CapacityLimiter::Token got = co_await limiter.acquire();
            scope.cancel();
            co_return got;
          });
      CHECK(token.has_value());
      CHECK(limiter.borrowed() == 1);
      token.reset();
      CHECK(limiter.borrowed() == 0);
    });
  }

  TEST_CASE("cut anywhere, no token is lost and the others go on") {
    const std::size_t rounds = cancel_everywhere([](Cut& cut) -> Coro<> {
      CapacityLimiter limiter(1);
      int inside = 0;
      int uses = 0;
      auto others = [&]() -> Coro<> {
        for (int i = 0; i < 4; ++i) {
          CapacityLimiter::Token token = co_await limiter.acquire();
          const Witness witness(inside);
          CHECK(inside <= 2);
          co_await yield_now();
          ++uses;
        }
      };
      Task<> a = spawn(others());
      Task<> b = spawn(others());
      Task<> resizer = spawn([&]() -> Coro<> {
        co_await settle(2);
        limiter.set_total(2);
        co_await settle(2);
        limiter.set_total(1);
      });
      co_await cut.run([&]() -> Coro<> {
        for (int i = 0; i < 3; ++i) {
          CapacityLimiter::Token token = co_await limiter.acquire();
          const Witness witness(inside);
          CHECK(inside <= 2);
          co_await yield_now();
        }
      });
      co_await a;
      co_await b;
      co_await resizer;
      CHECK(uses == 8);
      CHECK(limiter.borrowed() == 0);
      CHECK(limiter.statistics().waiting == 0);
      CHECK(limiter.statistics().borrowers.empty());
    });
    CHECK(rounds > 10);
  }

  TEST_CASE("a limiter that dies before its tokens, or while a task waits, ends the program") {
    CHECK(last_words([] {
            run_virtual([]() -> Coro<> {
              auto limiter = std::make_unique<CapacityLimiter>(1);
              CapacityLimiter::Token token = co_await limiter->acquire();
              limiter.reset();
            });
          }).find("outlives those who borrow from it") != std::string::npos);
    CHECK(last_words([] {
            run_virtual([]() -> Coro<> {
              auto limiter = std::make_unique<CapacityLimiter>(0);
              Trace trace;
              Task<> task = spawn(borrow(*limiter, trace, "never", *new bool(true)));
              co_await yield_now();
              limiter.reset();
            });
          }).find("destroyed while a task waits in it") != std::string::npos);
  }
}
