// gather: all results, or the first failure, and nothing left running
//
// The tutorial "learn-asyncio", chapter 3. gather runs several coroutines at once and gives their results in the order
// in which they were given. It is on failure that asyncio's gather goes wrong: it throws the first one and returns,
// the siblings keep running with nobody to wait for them, and what they throw later is dropped without a word. The
// second part does with tasks what asyncio's gather does, as Python 3.11 does it.
//
// Here gather owns what it is given: the first failure cancels the others and waits until they have ended.
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include <simul/simul.hpp>
#include <simul/testing.hpp>

#include "arguments.hpp"

using namespace simul;
using namespace std::chrono_literals;

// [stew]
Coro<std::string> stew(std::string name, Duration takes, bool burns = false) {
  try {
    co_await sleep(takes);
  } catch (const Cancelled& cancelled) {
    std::printf("  %s: taken off the stove (%s)\n", name.c_str(), cancelled.reason().c_str());
    throw;
  }
  if (burns) {
    throw std::runtime_error(name + " is burnt");
  }
  std::printf("  %s is done\n", name.c_str());
  co_return name;
}
// [/stew]

// [results]
Coro<> results() {
  std::puts("Results come in the order in which they were asked for:");
  auto [pea, leek] = co_await gather(stew("pea stew", 2h), stew("leek stew", 1h));
  std::printf("  %s, %s\n", pea.c_str(), leek.c_str());
}
// [/results]

Coro<> as_asyncio_does() {
  std::puts("One fails, and asyncio's gather is imitated (with tasks and wait):");
  std::vector<Task<std::string>> stews;
  stews.push_back(spawn(stew("pea stew", 1h, true)));
  stews.push_back(spawn(stew("leek stew", 2h)));
  stews.push_back(spawn(stew("carrot stew", 3h, true)));
  co_await wait(stews, WaitFor::first_exception);
  std::printf("  asyncio's gather would throw now: %s\n", describe(stews[0].exception()).c_str());
  std::puts("  the program goes on, and the stove is still hot:");
  co_await wait(stews);
  (void)stews[2].exception();  // nobody gets to see it
  std::puts("  (carrot stew is burnt, too, and nobody hears of it)");
}

// [failure]
Coro<> as_here() {
  std::puts("One fails in simul's gather:");
  try {
    co_await gather(stew("pea stew", 1h, true), stew("leek stew", 2h),
                    stew("carrot stew", 3h, true));
  } catch (const std::exception& error) {
    std::printf("  gather throws: %s\n", error.what());
  }
}

Coro<> two_failures() {
  std::puts("Two fail at the same time, and neither is lost:");
  try {
    co_await gather(stew("pea stew", 1h, true), stew("leek stew", 1h, true));
  } catch (const ExceptionGroup& both) {
    std::printf("  gather throws %s\n", both.what());
  }
}

Coro<> settled() {
  std::puts("To have every outcome, and stop nobody, there is gather_settled:");
  auto [pea, leek] = co_await gather_settled(stew("pea stew", 1h, true), stew("leek stew", 2h));
  std::printf("  %s; %s\n", describe(pea.error()).c_str(), leek->c_str());
}
// [/failure]

int main(int argc, char** argv) {
  expect_no_arguments(argc, argv);
  VirtualClock clock;
  Loop loop(clock);
  loop.run_until_complete(results());
  loop.run_until_complete(as_asyncio_does());
  loop.run_until_complete(as_here());
  loop.run_until_complete(two_failures());
  loop.run_until_complete(settled());
}
