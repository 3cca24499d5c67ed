// A homemade sleep, twice, and beside it the real one, which polls nothing
//
// From "A Conceptual Overview of asyncio", part 2, "A homemade asyncio.sleep". async_sleep waits for a future that
// a watcher task sets when it is time; simpler_async_sleep does without the future. Both sleep *at least* three
// seconds and give others their turn, but the watcher is woken in every turn of the loop: it keeps a whole
// core busy with looking at the clock. simul::sleep arms a timer, and the process sleeps in the kernel.
//
// The document says that an empty event loop "continues to cycle (somewhat aimlessly)". Neither asyncio's nor
// this one does: a loop with nothing to do stands still. It is the watcher that keeps it cycling. And the
// document takes the time of day for its clock, which jumps when somebody sets it; this one is steady.
//
// With SIMUL_DEBUG=1 in its environment a program tells on tasks that poll: try it with this one.
//
//   simul lesson async_sleep [seconds]
#include <chrono>
#include <cstdio>
#include <ctime>
#include <utility>
#include <vector>

#include <simul/simul.hpp>

#include "arguments.hpp"

using namespace simul;
using namespace std::chrono_literals;

// [watcher]
using Seconds = std::chrono::duration<double>;
using SteadyClock = std::chrono::steady_clock;

int times_woken = 0;

Coro<> sleep_watcher(Promise<> promise, SteadyClock::time_point time_to_wake) {
  while (SteadyClock::now() < time_to_wake) {
    co_await yield_now();  // the document's YieldToEventLoop
    ++times_woken;
  }
  promise.set_value();  // marks the future as done
}

Coro<> async_sleep(Seconds seconds) {
  Promise<> promise;
  Future<> future = promise.future();
  auto time_to_wake = SteadyClock::now() + round<Duration>(seconds);
  spawn(sleep_watcher(std::move(promise), time_to_wake));
  co_await future;  // until it is done
}
// [/watcher]

// [simpler]
Coro<> simpler_async_sleep(Seconds seconds) {
  auto time_to_wake = SteadyClock::now() + round<Duration>(seconds);
  while (SteadyClock::now() < time_to_wake) {
    co_await yield_now();
    ++times_woken;
  }
}
// [/simpler]

// [real]
Coro<> real_sleep(Seconds seconds) {
  co_await sleep(round<Duration>(seconds));
  ++times_woken;
}
// [/real]

// [program]
void print_time(const char* what) {
  char text[16];
  const std::time_t now = std::time(nullptr);
  std::strftime(text, sizeof text, "%H:%M:%S", std::localtime(&now));
  std::printf("%s asynchronous sleep at time: %s.\n", what, text);
}

Coro<> other_work() {
  std::puts("I am worker. Work work.");
  co_return;
}

Coro<> program(Coro<> sleeping) {
  std::vector<Task<>> work_tasks;  // something to do while asynchronously sleeping
  for (int i = 0; i < 3; ++i) {
    work_tasks.push_back(spawn(other_work()));
  }
  print_time("Beginning");
  co_await spawn(std::move(sleeping));
  print_time("Done");
  co_await gather(std::move(work_tasks));
}
// [/program]

void measure(const char* name, Coro<> sleeping) {
  times_woken = 0;
  std::printf("%s:\n", name);
  const auto start = SteadyClock::now();
  const std::clock_t cpu_start = std::clock();
  run(program(std::move(sleeping)));
  std::printf("Slept: %.3f s. Wake-ups: %d. CPU time: %.1f ms.\n",
              Seconds(SteadyClock::now() - start).count(), times_woken,
              1e3 * static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC);
}

int main(int argc, char** argv) {
  Arguments arguments(argc, argv, "[seconds]");
  const Seconds seconds(arguments.number(3.0, 0.0, 86'400.0));
  arguments.end();
  measure("async_sleep", async_sleep(seconds));
  std::puts("");
  measure("simpler_async_sleep", simpler_async_sleep(seconds));
  std::puts("");
  measure("simul::sleep", real_sleep(seconds));
}
