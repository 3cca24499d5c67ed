// Timeouts: whose deadline it was, and no result or cancellation lost on the way
//
// What the tutorial "learn-asyncio" leaves out. asyncio has wait_for and, since Python 3.11, timeout; three things go
// wrong with them (tried with Python 3.11):
//
// - wait_for says TimeoutError for its own time limit and passes on one that came from within: its caller can't tell
//   "too slow" from "the database has given up".
// - A task in wait_for is cancelled just when its result has come: wait_for returns the result and forgets the
//   cancellation. The task runs on, and whoever cancelled it waits for ever. (Python 3.12 has mended this one.)
// - A limit is an exception that is thrown once: code that catches too much makes it void.
#include <cstdio>
#include <optional>

#include <simul/simul.hpp>
#include <simul/testing.hpp>

#include "arguments.hpp"

using namespace simul;
using namespace std::chrono_literals;

// [kinds]
Coro<int> slow_answer() {
  co_await sleep(5s);
  co_return 42;
}

Coro<> two_kinds() {
  std::puts("fail_after throws, move_on_after tells:");
  try {
    co_await fail_after(1s, slow_answer);
  } catch (const TimedOut& late) {
    std::printf("  error: %s\n", late.what());
  }
  const std::optional<int> soon = co_await move_on_after(1s, slow_answer);
  const std::optional<int> later = co_await move_on_after(10s, slow_answer);
  std::printf("  within 1 s: %s; within 10 s: %d\n", soon ? "an answer" : "none", *later);
}
// [/kinds]

// [whose]
Coro<int> ask_database() {
  co_return co_await fail_after(1s, slow_answer);  // it has a limit of its own
}

Coro<> whose() {
  std::puts("Ten seconds for a database that gives up after one:");
  try {
    const std::optional<int> answer = co_await move_on_after(10s, ask_database);
    std::printf("  our time %s\n", answer ? "was enough" : "was up");
  } catch (const TimedOut& theirs) {
    std::printf("  not our limit: %s\n", theirs.what());
  }
}
// [/whose]

// [race]
Coro<> use(Future<int> answer) {
  auto waiting = [&]() -> Coro<int> { co_return co_await answer; };
  std::printf("  the result wins: %d\n", co_await fail_after(10s, waiting));
  co_await sleep(1s);
  std::puts("  the cancellation was lost");
}

Coro<> race() {
  std::puts("The result comes, and so does a cancellation:");
  Promise<int> promise;
  Task<> user = spawn(use(promise.future()));
  co_await yield_now();  // it waits
  promise.set_value(42);
  user.cancel("shutting down");
  try {
    co_await user;
  } catch (const TaskCancelled& cancelled) {
    std::printf("  the next await throws: %s\n", cancelled.what());
  }
}
// [/race]

// [swallowed]
Coro<> catches_too_much() {
  for (int attempt = 1; attempt <= 3; ++attempt) {
    try {
      co_await sleep(400ms);
      std::printf(
          "  attempt %d at %.1f s\n", attempt,
          std::chrono::duration<double>(Loop::current().now().time_since_epoch() % 1h).count());
    } catch (...) {
      std::printf("  attempt %d: caught something, trying again\n", attempt);
    }
  }
}

Coro<> swallowed() {
  std::puts("A limit of half a second on code that catches everything:");
  const bool in_time = co_await move_on_after(500ms, catches_too_much);
  std::printf("  %s\n", in_time ? "it came to its end, but no await of it worked after the limit"
                                : "cut off");
}
// [/swallowed]

int main(int argc, char** argv) {
  expect_no_arguments(argc, argv);
  VirtualClock clock;
  Loop loop(clock);
  loop.run_until_complete(two_kinds());
  loop.run_until_complete(whose());
  loop.run_until_complete(race());
  loop.run_until_complete(swallowed());
}
