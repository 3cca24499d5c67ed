#include <simul/barrier.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "dying.hpp"
#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

/// Says "a0" when it passed as number 0, "a!" when it was turned away.
Coro<> pass(Barrier& barrier, Trace& trace, std::string word) {
  try {
    const std::size_t index = co_await barrier.wait();
    trace(word + std::to_string(index));
  } catch (const BrokenBarrier&) {
    trace(word + "!");
  }
}

}  // namespace

TEST_SUITE("barrier") {
  TEST_CASE("all go on when the last one has come, with an index in the order of their coming") {
    run_virtual([]() -> Coro<> {
      Barrier barrier(3);
      Trace trace;
      Task<> a = spawn(pass(barrier, trace, "a"));
      Task<> b = spawn(pass(barrier, trace, "b"));
      co_await settle();
      CHECK(trace.text().empty());
      CHECK(barrier.waiting() == 2);
      co_await pass(barrier, trace, "c");
      CHECK(barrier.waiting() == 0);
      CHECK(trace.text() == "c2");  // the last one didn't wait
      co_await a;
      co_await b;
      CHECK(trace.text() == "c2 a0 b1");
    });
  }

  TEST_CASE("who comes before the others had their turn waits for the next round") {
    run_virtual([]() -> Coro<> {
      Barrier barrier(2);
      Trace trace;
      Task<> a = spawn(pass(barrier, trace, "a"));
      co_await yield_now();
      co_await pass(barrier, trace, "b");
      Task<> c = spawn([&]() -> Coro<> { co_await pass(barrier, trace, "c"); });
      co_await pass(barrier, trace, "d");
      co_await a;
      co_await c;
      CHECK(trace.text() == "b1 a0 c1 d0");
    });
  }

  TEST_CASE("the same tasks meet again and again, and none is a round ahead") {
    run_virtual([]() -> Coro<> {
      constexpr std::size_t kParties = 4;
      Barrier barrier(kParties);
      std::vector<int> rounds(kParties);
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        for (std::size_t i = 0; i < kParties; ++i) {
          group.spawn(
              [&](std::size_t self) -> Coro<> {
                for (int round = 0; round < 20; ++round) {
                  rounds[self] = round;
                  co_await settle(
                      static_cast<int>((self * 7 + static_cast<std::size_t>(round)) % 5));
                  (void)co_await barrier.wait();
                  for (const int other : rounds) {
                    CHECK((other == round || other == round + 1));
                  }
                }
              },
              i);
        }
        co_return;
      });
    });
  }

  TEST_CASE("one party never waits, and starves nobody") {
    run_virtual([]() -> Coro<> {
      Barrier barrier(1);
      bool stop = false;
      int count = 0;
      Task<> busy = spawn([&]() -> Coro<> {
        while (!stop && count < 1'000'000) {
          CHECK((co_await barrier.wait()) == 0);
          ++count;
        }
      });
      co_await yield_now();
      stop = true;
      co_await busy;
      CHECK(count > 1);
      CHECK(count < 1000);
      CHECK_THROWS_AS(Barrier(0), std::invalid_argument);
    });
  }

  TEST_CASE("reset turns away those who wait, and the barrier is as new") {
    run_virtual([]() -> Coro<> {
      Barrier barrier(2);
      Trace trace;
      Task<> a = spawn(pass(barrier, trace, "a"));
      co_await yield_now();
      barrier.reset();
      CHECK(barrier.waiting() == 0);
      CHECK_FALSE(barrier.broken());
      Task<> b = spawn(pass(barrier, trace, "b"));
      co_await a;
      co_await settle();
      CHECK(trace.text() == "a!");
      co_await pass(barrier, trace, "c");
      co_await b;
      CHECK(trace.text() == "a! c1 b0");
    });
  }

  TEST_CASE("abort turns away those who wait and those who come, until it is reset") {
    run_virtual([]() -> Coro<> {
      Barrier barrier(2);
      Trace trace;
      Task<> a = spawn(pass(barrier, trace, "a"));
      co_await yield_now();
      barrier.abort();
      CHECK(barrier.broken());
      co_await a;
      co_await pass(barrier, trace, "b");
      CHECK(trace.text() == "a! b!");
      barrier.reset();
      CHECK_FALSE(barrier.broken());
      Task<> c = spawn(pass(barrier, trace, "c"));
      co_await yield_now();
      co_await pass(barrier, trace, "d");
      co_await c;
      CHECK(trace.text() == "a! b! d1 c0");
    });
  }

  TEST_CASE(
      "once all have come nothing takes that back: no abort, no reset, no end of the barrier") {
    run_virtual([]() -> Coro<> {
      auto barrier = std::make_unique<Barrier>(2);
      Trace trace;
      Task<> a = spawn(pass(*barrier, trace, "a"));
      co_await yield_now();
      (void)co_await barrier->wait();
      barrier->abort();
      barrier->reset();
      barrier.reset();
      co_await a;
      CHECK(trace.text() == "a0");
    });
  }

  TEST_CASE("who is cancelled leaves: another has to come, and no index is missing or doubled") {
    run_virtual([]() -> Coro<> {
      Barrier barrier(3);
      Trace trace;
      Task<> a = spawn(pass(barrier, trace, "a"));
      Task<> b = spawn(pass(barrier, trace, "b"));
      co_await yield_now();
      a.cancel();
      CHECK(barrier.waiting() == 1);
      Task<> c = spawn(pass(barrier, trace, "c"));
      co_await settle();
      CHECK(trace.text().empty());
      co_await pass(barrier, trace, "d");
      co_await settle();
      CHECK(trace.text() == "d2 b0 c1");
      CHECK(a.state() == TaskState::cancelled);
    });
  }

  TEST_CASE(
      "complete and then cancelled: it passes; cancelled and then another comes: that one waits") {
    for (const bool complete_first : {true, false}) {
      CAPTURE(complete_first);
      run_virtual([&]() -> Coro<> {
        Barrier barrier(2);
        Trace trace;
        Task<> a = spawn(pass(barrier, trace, "a"));
        Task<> b;
        co_await yield_now();
        if (complete_first) {
          co_await pass(barrier, trace, "b");
          a.cancel();  // before its turn
        } else {
          a.cancel();
          b = spawn(pass(barrier, trace, "b"));
        }
        co_await settle();
        CHECK(trace.text() == (complete_first ? "b1 a0" : ""));
        CHECK(barrier.waiting() == (complete_first ? 0 : 1));
        barrier.reset();
        co_await settle();
      });
    }
  }

  TEST_CASE("cut anywhere, the others meet with whoever comes instead") {
    const std::size_t rounds = cancel_everywhere([](Cut& cut) -> Coro<> {
      Barrier barrier(3);
      std::vector<int> met(3);
      auto party = [&](int times) -> Coro<> {
        for (int i = 0; i < times; ++i) {
          const std::size_t index = co_await barrier.wait();
          ++met[index];
          co_await yield_now();
        }
      };
      Task<> a = spawn(party(4));
      Task<> b = spawn(party(4));
      int passed = 0;
      co_await cut.run([&]() -> Coro<> {
        for (int i = 0; i < 3; ++i) {
          ++met[co_await barrier.wait()];
          ++passed;
          co_await yield_now();
        }
      });
      co_await party(4 - passed);
      co_await a;
      co_await b;
      CHECK(met == std::vector<int>{4, 4, 4});
      CHECK(barrier.waiting() == 0);
    });
    CHECK(rounds > 8);
  }

  TEST_CASE("a barrier that dies while a task waits ends the program") {
    CHECK(last_words([] {
            run_virtual([]() -> Coro<> {
              auto barrier = std::make_unique<Barrier>(2);
              Trace trace;
              Task<> task = spawn(pass(*barrier, trace, "never"));
              co_await yield_now();
              barrier.reset();
            });
          }).find("destroyed while a task waits in it") != std::string::npos);
  }
}
