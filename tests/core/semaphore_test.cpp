#include <simul/semaphore.hpp>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "dying.hpp"
#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

Coro<> use(Semaphore& semaphore, Trace& trace, std::string word) {
  Semaphore::Permit permit = co_await semaphore.acquire();
  trace(word);
  co_await settle(3);
}

}  // namespace

TEST_SUITE("semaphore") {
  TEST_CASE("as many at a time as there are permits, first come, first served") {
    run_virtual([]() -> Coro<> {
      Semaphore semaphore(2);
      Trace trace;
      int inside = 0;
      int most = 0;
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        for (int i = 0; i < 6; ++i) {
          group.spawn(
              [&](int number) -> Coro<> {
                Semaphore::Permit permit = co_await semaphore.acquire();
                const Witness witness(inside);
                most = std::max(most, inside);
                trace(std::to_string(number));
                co_await settle(3);
              },
              i);
        }
        co_return;
      });
      CHECK(most == 2);
      CHECK(trace.text() == "0 1 2 3 4 5");
      CHECK(semaphore.available() == 2);
    });
  }

  TEST_CASE("a permit that comes back belongs to the first in line at once") {
    run_virtual([]() -> Coro<> {
      Semaphore semaphore(1);
      Trace trace;
      Semaphore::Permit permit = co_await semaphore.acquire();
      Task<> next = spawn(use(semaphore, trace, "next"));
      co_await yield_now();
      permit.release();
      CHECK_FALSE(permit);
      CHECK(semaphore.available() == 0);
      CHECK_FALSE(semaphore.try_acquire());
      permit = co_await semaphore.acquire();
      trace("again");
      CHECK(trace.text() == "next again");
    });
  }

  TEST_CASE("a task may have several permits; an empty one is none") {
    Semaphore semaphore(2);
    Semaphore::Permit one = semaphore.try_acquire();
    Semaphore::Permit two = semaphore.try_acquire();
    CHECK((one && two));
    CHECK_FALSE(semaphore.try_acquire());
    one = std::move(two);
    CHECK(semaphore.available() == 1);
    one.release();
    CHECK(semaphore.available() == 2);
    CHECK_THROWS_AS(one.release(), std::logic_error);
  }

  TEST_CASE("a forgotten permit comes back by release(), from whoever has it") {
    run_virtual([]() -> Coro<> {
      Semaphore items(0);
      int consumed = 0;
      Task<> consumer = spawn([&]() -> Coro<> {
        for (int i = 0; i < 5; ++i) {
          (co_await items.acquire()).forget();
          ++consumed;
        }
      });
      for (int i = 0; i < 5; ++i) {
        co_await yield_now();
        items.release();
      }
      co_await consumer;
      CHECK(consumed == 5);
      CHECK(items.available() == 0);
    });
  }

  TEST_CASE("with a maximum, giving back more than was taken is an error") {
    Semaphore bounded(2, 2);
    CHECK_THROWS_AS(bounded.release(), std::logic_error);
    CHECK(bounded.available() == 2);
    bounded.try_acquire().forget();
    bounded.release();
    CHECK_THROWS_AS(bounded.release(), std::logic_error);
    Semaphore unbounded(2);
    unbounded.release();
    CHECK(unbounded.available() == 3);
    CHECK_THROWS_AS(Semaphore(3, 2), std::invalid_argument);
  }

  TEST_CASE("a permit that is always there starves nobody") {
    run_virtual([]() -> Coro<> {
      Semaphore semaphore(1);
      bool stop = false;
      int count = 0;
      Task<> busy = spawn([&]() -> Coro<> {
        while (!stop && count < 1'000'000) {
          Semaphore::Permit permit = co_await semaphore.acquire();
          ++count;
        }
      });
      co_await yield_now();
      {
        Semaphore::Permit permit = co_await semaphore.acquire();
      }
      stop = true;
      co_await busy;
      CHECK(count < 1000);
    });
  }

  TEST_CASE("handed over and cancelled, in both orders: one or the other has the permit") {
    for (const bool released_first : {true, false}) {
      CAPTURE(released_first);
      run_virtual([&]() -> Coro<> {
        Semaphore semaphore(1, 1);
        Trace trace;
        Semaphore::Permit permit = co_await semaphore.acquire();
        Task<> task = spawn(use(semaphore, trace, "task"));
        Task<> next = spawn(use(semaphore, trace, "next"));
        co_await yield_now();
        if (released_first) {
          permit.release();
          task.cancel();
        } else {
          task.cancel();
          permit.release();
        }
        co_await next;
        CHECK(task.state() == TaskState::cancelled);
        CHECK(trace.text() == (released_first ? "task next" : "next"));
        CHECK(semaphore.available() == 1);
      });
    }
  }

  TEST_CASE("a permit that leaves a cancelled scope is still one") {
    run_virtual([]() -> Coro<> {
      Semaphore semaphore(1);
      Semaphore::Permit permit;
      co_await with_scope([&](CancelScope& scope) -> Coro<> {
        permit = co_await semaphore.acquire();
        scope.cancel();
        co_await yield_now();
      });
      CHECK(permit);
      CHECK(semaphore.available() == 0);
      permit = {};
      CHECK(semaphore.available() == 1);
    });
  }

  TEST_CASE("cut anywhere, no permit is lost and the others go on") {
    const std::size_t rounds = cancel_everywhere([](Cut& cut) -> Coro<> {
      Semaphore semaphore(2, 2);
      int inside = 0;
      int uses = 0;
      auto others = [&]() -> Coro<> {
        for (int i = 0; i < 4; ++i) {
          Semaphore::Permit permit = co_await semaphore.acquire();
          const Witness witness(inside);
          CHECK(inside <= 2);
          co_await yield_now();
          ++uses;
        }
      };
      Task<> a = spawn(others());
      Task<> b = spawn(others());
      Task<> c = spawn(others());
      co_await cut.run([&]() -> Coro<> {
        for (int i = 0; i < 3; ++i) {
          Semaphore::Permit permit = co_await semaphore.acquire();
          const Witness witness(inside);
          CHECK(inside <= 2);
          co_await yield_now();
        }
      });
      co_await a;
      co_await b;
      co_await c;
      CHECK(uses == 12);
      CHECK(semaphore.available() == 2);
    });
    CHECK(rounds > 10);
  }

  TEST_CASE("a semaphore that dies while a task waits for it ends the program") {
    CHECK(last_words([] {
            run_virtual([]() -> Coro<> {
              auto semaphore = std::make_unique<Semaphore>(0);
              Trace trace;
              Task<> task = spawn(use(*semaphore, trace, "never"));
              co_await yield_now();
              semaphore.reset();
            });
          }).find("destroyed while a task waits in it") != std::string::npos);
  }

  TEST_CASE("a permit that was given back twice ends the program") {
    CHECK(last_words([] {
            Semaphore semaphore(1, 1);
            Semaphore::Permit permit = semaphore.try_acquire();
            semaphore.release();
          }).find("given back twice") != std::string::npos);
  }
}
