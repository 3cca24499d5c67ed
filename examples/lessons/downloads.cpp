// Five downloads: half a second at once, one and a half one after the other
//
// From the introduction of "learn-asyncio", "IO bound tasks": start downloads 1 to 5, wait until one is done, process
// that one and wait for the next. "Note that we don't need to know which download will finish first." Here they
// finish in the order 2, 4, 5, 3, 1.
//
//   simul lesson downloads [--virtual]     --virtual: on a clock that jumps, so that it takes no time
#include <array>
#include <cstdio>
#include <vector>

#include <simul/simul.hpp>
#include <simul/testing.hpp>

#include "arguments.hpp"

using namespace simul;
using namespace std::chrono_literals;

// [downloads]
Coro<int> download(int number) {
  constexpr std::array<Duration, 5> kTakes = {500ms, 100ms, 400ms, 200ms, 300ms};
  co_await sleep(kTakes[number - 1]);
  co_return number;
}

Coro<> serial() {
  for (int number = 1; number <= 5; ++number) {
    std::printf("  download %d is there\n", co_await download(number));
  }
}

Coro<> at_once() {
  std::vector<Task<int>> downloads;
  for (int number = 1; number <= 5; ++number) {
    downloads.push_back(spawn(download(number)));
  }
  auto finished = as_completed(downloads);
  while (Task<int>* one = co_await finished.next()) {
    std::printf("  download %d is there\n", co_await *one);
  }
}
// [/downloads]

Coro<> measure(const char* name, Coro<> work) {
  std::printf("%s:\n", name);
  const TimePoint start = Loop::current().now();
  co_await std::move(work);
  const std::chrono::duration<double> time = Loop::current().now() - start;
  std::printf("  all of them after %.2f s\n", time.count());
}

int main(int argc, char** argv) {
  Arguments arguments(argc, argv, "[--virtual]");
  const bool on_virtual_clock = arguments.flag("--virtual");
  arguments.end();

  VirtualClock jumps;
  Loop loop(on_virtual_clock ? jumps : Environment::real());
  loop.run_until_complete(measure("One after the other", serial()));
  loop.run_until_complete(measure("At once", at_once()));
}
