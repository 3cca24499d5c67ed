// The harness that cancels at every step, itself.
#include <stdexcept>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

TEST_SUITE("cancel_everywhere") {
  TEST_CASE("cuts before the first step, at each wait, at each wake-up, and then no more") {
    Trace trace;
    const std::size_t rounds = cancel_everywhere([&](Cut& cut) -> Coro<> {
      int reached = 0;
      const bool ended = co_await cut.run([&]() -> Coro<> {
        ++reached;
        co_await sleep(1s);
        ++reached;
        co_await yield_now();
        ++reached;
      });
      trace(ended ? "end" : std::to_string(reached));
      CHECK(ended == (reached == 3));
    });
    CHECK(rounds > 3);
    CHECK(trace.text().starts_with("0 1"));
    CHECK(trace.text().ends_with("2 end"));
  }

  TEST_CASE("a failure of the victim or of the scenario comes out") {
    CHECK_THROWS_AS(cancel_everywhere([](Cut& cut) -> Coro<> {
                      co_await cut.run([]() -> Coro<> {
                        co_await yield_now();
                        throw std::out_of_range("victim");
                      });
                    }),
                    std::out_of_range);
    CHECK_THROWS_AS(cancel_everywhere([](Cut&) -> Coro<> { co_await yield_now(); }),
                    std::logic_error);
  }
}
