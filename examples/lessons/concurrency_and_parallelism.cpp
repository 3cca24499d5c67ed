// Concurrency and parallelism: two cakes, one cook or two
//
// From the notes on "Python Concurrency with asyncio", the chapters "Concurrency" and "The difference between
// concurrency and parallelism". A cake is work (mix, then decorate) with a wait between (the oven). One cook who does
// something else while the oven bakes is concurrent; two cooks are parallel as well.
//
// Corrected: the chapter says first that tasks that are concurrent "are happening at the same time" and later that
// "only one we're actively doing". The second is right. And as one can see below, concurrency shortens the waiting
// only, parallelism the work, too: for work without any wait, one loop does nothing for you.
//
// That "an event loop is single-threaded" is true, but here a program can have several, each on a thread of its own,
// and no interpreter lock holds them up: two threads work twice as much, as far as there are processors.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <limits>

#include <simul/simul.hpp>

#include "arguments.hpp"
#include "measure.hpp"

using namespace simul;
using namespace std::chrono_literals;

/// Keeps a processor busy. The amount of work is fixed, not the time.
void work(long steps) {
  std::uint64_t state = 1;
  for (long i = 0; i < steps; ++i) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
  }
  [[maybe_unused]] volatile const std::uint64_t needed =
      state;  // else the compiler would leave it all out
}

constexpr long kMix = 8'000'000;
constexpr long kDecorate = 8'000'000;
constexpr Duration kBake = 50ms;

Coro<> bake_a_cake() {
  work(kMix);
  co_await sleep(kBake);
  work(kDecorate);
}

Coro<> knead() {
  work(25'000'000);
  co_return;
}

using MakeOne = Coro<> (*)();

Coro<> one_after_the_other(MakeOne make) {
  co_await make();
  co_await make();
}

Coro<> both_on_this_loop(MakeOne make) { co_await gather(make(), make()); }

/// The fastest of three.
template <typename Fn>
double seconds_of(Fn fn) {
  double fastest = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 3; ++i) {  // others use the machine, too
    const Stopwatch watch;
    fn();
    fastest = std::min(fastest, watch.seconds());
  }
  return fastest;
}

void compare(const char* what, MakeOne make) {
  const double serial = seconds_of([&] { run(one_after_the_other(make)); });
  const double concurrent = seconds_of([&] { run(both_on_this_loop(make)); });
  const double parallel = seconds_of([&] {
    LoopGroup cooks(2);
    cooks.run([&](Loop&, std::size_t) { return make(); });
  });

  const auto print = [&](const char* how, double seconds) {
    std::printf("  %-22s %5.0f ms  %.2f\n", how, seconds * 1e3, seconds / serial);
  };
  std::printf("%s:\n", what);
  print("one after the other", serial);
  print("two tasks on one loop", concurrent);
  print("two loops", parallel);
  explain_lack_of_gain(parallel / serial, usable_processors());
}

int main(int argc, char** argv) {
  expect_no_arguments(argc, argv);
  std::printf("This program may use %zu processors.\n", usable_processors());
  compare("Two cakes (work, oven, work)", bake_a_cake);
  compare("Two doughs (work only)", knead);
}
