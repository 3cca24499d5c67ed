// Stews wait for themselves, sushi waits for the cook: what concurrency gains, and what it doesn't
//
// From the introduction of "learn-asyncio". A stew simmers for three hours; now and then it is stirred, which the
// analogy takes for no time at all. Two or three of them at once take as long as one. A piece of sushi takes a minute
// of the cook's whole attention: ten pieces take twice as long as five, however the work is cut into tasks.
//
// On a virtual clock: sleep() lets the others work, attention() lets time pass while nobody else can do anything.
//
// The document adds that a second cook wouldn't help in Python, where "only one of them can move at a time". In
// C++ he does: see the lessons on threads and processes.
#include <cstdio>
#include <functional>
#include <vector>

#include <simul/simul.hpp>
#include <simul/testing.hpp>

#include "arguments.hpp"

using namespace simul;
using namespace std::chrono_literals;

VirtualClock clock_on_the_wall;

void attention(Duration time) { clock_on_the_wall.pass(time); }

// [cooking]
Coro<> stew() {
  for (int stirred = 0; stirred < 6; ++stirred) {
    co_await sleep(30min);
  }
}

Coro<> piece_of_sushi() {
  attention(1min);
  co_return;
}

Coro<> at_once(Coro<> (*dish)(), int number) {
  std::vector<Coro<>> dishes;
  for (int i = 0; i < number; ++i) {
    dishes.push_back(dish());
  }
  co_await gather(std::move(dishes));
}
// [/cooking]

void serve(const char* what, Coro<> (*dish)(), int number) {
  Loop loop(clock_on_the_wall);
  const TimePoint start = clock_on_the_wall.now();
  loop.run_until_complete(at_once(dish, number));
  const auto minutes = (clock_on_the_wall.now() - start) / 1min;
  std::printf("%2d %s at once: %3ld minutes\n", number, what, static_cast<long>(minutes));
}

int main(int argc, char** argv) {
  expect_no_arguments(argc, argv);
  serve("stew", stew, 1);
  serve("stews", stew, 2);
  serve("stews", stew, 3);
  serve("pieces of sushi", piece_of_sushi, 5);
  serve("pieces of sushi", piece_of_sushi, 10);
}
