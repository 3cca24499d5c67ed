// A greedy task, and three ways to share the loop, one of them too much of it
//
// From "A Conceptual Overview of asyncio", "Event Loop" ("a greedy task could hog control and leave the other tasks
// to starve") and the end of the network example: a sum of many random samples that gives way when its allotment
// of time is used up. A ticker beside it wants to be woken every 5 ms; how late was it at worst?
//
// "Too much checking or constantly jumping between tasks can ultimately cause more harm than good": looking at the
// clock for every sample costs more than the samples, so the document looks once a chunk. What the GIL
// forbids in Python: to_thread() computes on another core, and the loop has nothing to share.
//
//   simul lesson greedy [millions of samples]
#include <algorithm>
#include <cstdio>
#include <random>

#include <simul/simul.hpp>

#include "arguments.hpp"

using namespace simul;
using namespace std::chrono_literals;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr Duration kAllotment = 1ms;
constexpr Duration kTick = 5ms;

/// Uniform, between 0 and 1.
double random_sample() {
  static thread_local std::minstd_rand engine;
  return static_cast<double>(engine()) / static_cast<double>(std::minstd_rand::max());
}

TimePoint now() { return Loop::current().exact_now(); }

double sum(long samples) {
  double total = 0;
  for (long i = 0; i < samples; ++i) {
    total += random_sample();
  }
  return total;
}

Coro<double> greedy(long samples) { co_return sum(samples); }

Coro<double> looks_at_every_sample(long samples) {
  double total = 0;
  TimePoint use_until = now() + kAllotment;
  for (long i = 0; i < samples; ++i) {
    total += random_sample();
    if (now() >= use_until) {
      co_await yield_now();
      use_until = now() + kAllotment;
    }
  }
  co_return total;
}

// [chunk]
Coro<double> looks_once_a_chunk(long samples) {
  constexpr long kChunk = 10'000;
  double total = 0;
  TimePoint use_until = now() + kAllotment;
  for (long done = 0; done < samples; done += kChunk) {
    total += sum(std::min(kChunk, samples - done));
    if (now() >= use_until) {
      co_await yield_now();
      use_until = now() + kAllotment;
    }
  }
  co_return total;
}
// [/chunk]

Coro<double> yields_all_the_time(long samples) {
  constexpr long kCrumb = 25;
  double total = 0;
  for (long done = 0; done < samples; done += kCrumb) {
    total += sum(std::min(kCrumb, samples - done));
    co_await yield_now();
  }
  co_return total;
}

Coro<double> in_a_thread(long samples) { co_return co_await to_thread(sum, samples); }

// [ticker]
struct Ticker {
  bool stopped = false;
  Duration worst{};
};

Coro<> tick(Ticker& ticker) {
  while (!ticker.stopped) {
    const TimePoint due = now() + kTick;
    co_await sleep_until(due);
    ticker.worst = std::max(ticker.worst, now() - due);
  }
}
// [/ticker]

Coro<> measure(const char* name, Coro<double> work, long samples) {
  Ticker ticker;
  Task<> ticking = spawn(tick(ticker));
  co_await yield_now();  // it begins
  const TimePoint start = now();
  const double mean = co_await std::move(work) / static_cast<double>(samples);
  const Milliseconds took = now() - start;
  ticker.stopped = true;
  co_await ticking;
  std::printf("%-24s %8.0f ms %13.1f ms %16.2f\n", name, took.count(),
              Milliseconds(ticker.worst).count(), mean);
}

Coro<> program(long samples) {
  std::printf("%-24s %11s %16s %16s\n", "the task", "took", "ticker's worst", "mean of samples");
  co_await measure("greedy", greedy(samples), samples);
  co_await measure("looks at every sample", looks_at_every_sample(samples), samples);
  co_await measure("looks once a chunk", looks_once_a_chunk(samples), samples);
  co_await measure("yields all the time", yields_all_the_time(samples), samples);
  co_await measure("in a thread", in_a_thread(samples), samples);
}

int main(int argc, char** argv) {
  Arguments arguments(argc, argv, "[millions of samples]");
  const double millions = arguments.number(20.0, 0.001, 100'000.0);
  arguments.end();
  run(program(static_cast<long>(millions * 1e6)));
}
