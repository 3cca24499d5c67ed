// Tasks: begun when somebody waits, never lost, and their failures neither
//
// The tutorial "learn-asyncio", chapter 2. A task is a coroutine that a loop runs. What asyncio gets wrong with
// them, tried with Python 3.11, and what becomes of it here:
//
// - asyncio holds tasks by weak references: drop the handle, and the garbage collector may take a task away in the
//   middle of its work ("save a reference to the result of this function", says its manual). Here the loop owns them.
// - The failure of a task that nobody awaits is told when the task is collected: at the end of the program, if its
//   handle is kept. Here it is told when nobody can see it any more, at once if the handle was dropped.
// - asyncio throws CancelledError into a task once. Who catches it goes on as if nothing had happened. Here each
//   await of a cancelled task throws until it ends.
#include <cstdio>
#include <stdexcept>
#include <string>

#include <simul/simul.hpp>
#include <simul/testing.hpp>

#include "arguments.hpp"

using namespace simul;
using namespace std::chrono_literals;

// [work]
Coro<> work(std::string name) {
  std::printf("  %s begins\n", name.c_str());
  co_await sleep(1s);
  std::printf("  %s ends\n", name.c_str());
}

Coro<> fail() {
  throw std::runtime_error("the disk is full");
  co_return;
}

Coro<> stubborn() {
  for (int i = 1; i <= 3; ++i) {
    try {
      co_await sleep(1s);
      std::printf("  tick %d\n", i);
    } catch (const Cancelled& cancelled) {
      std::printf("  caught: %s. Going on.\n", cancelled.reason().c_str());
    }
  }
}
// [/work]

// [program]
Coro<> program() {
  std::puts("Two tasks, spawned:");
  Task<> first = spawn(work("first"));
  Task<> second = spawn(work("second"));
  std::puts("  neither has begun, for nobody has waited");
  co_await first;
  co_await second;

  std::puts("A handle is dropped at once:");
  spawn(work("nobody's task"));
  co_await sleep(2s);

  std::puts("A task fails, and nobody has its handle:");
  spawn(fail());
  co_await sleep(1s);

  std::puts("A task that is cancelled, and won't have it:");
  Task<> task = spawn(stubborn());
  co_await sleep(1500ms);
  task.cancel("time is up");
  try {
    co_await task;
    std::puts("  it came to its end, but without ticks 2 and 3: each further sleep threw at once");
  } catch (const TaskCancelled& cancelled) {
    std::printf("  %s\n", cancelled.what());
  }
}
// [/program]

int main(int argc, char** argv) {
  expect_no_arguments(argc, argv);
  set_log_sink([](LogLevel, std::string_view text) {
    std::printf("  log: %.*s\n", static_cast<int>(text.size()), text.data());
  });
  VirtualClock clock;
  Loop(clock).run_until_complete(program());
}
