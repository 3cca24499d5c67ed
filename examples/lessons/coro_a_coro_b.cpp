// Awaiting a coroutine does not cede control; awaiting a task that has not ended does
//
// From "A Conceptual Overview of asyncio", part 1, "await". program() spawns a task for coro_b(), then
// awaits coro_a() three times: first as a plain coroutine, so that coro_b() has to wait; then each time in
// a task of its own, so that coro_b() gets its turn. Both orders are those of the document.
#include <cstdio>

#include <simul/simul.hpp>

#include "arguments.hpp"

using namespace simul;

// [coroutines]
Coro<> coro_a() {
  std::puts("I am coro_a(). Hi!");
  co_return;
}

Coro<> coro_b() {
  std::puts("I am coro_b(). I sure hope no one hogs the event-loop...");
  co_return;
}

Coro<> await_coroutines() {
  Task<> task_b = spawn(coro_b());
  for (int repeat = 0; repeat < 3; ++repeat) {
    co_await coro_a();
  }
  co_await task_b;
}
// [/coroutines]

// [tasks]
Coro<> await_tasks() {
  Task<> task_b = spawn(coro_b());
  for (int repeat = 0; repeat < 3; ++repeat) {
    co_await spawn(coro_a());
  }
  co_await task_b;
}
// [/tasks]

int main(int argc, char** argv) {
  expect_no_arguments(argc, argv);
  std::puts("co_await coro_a():");
  run(await_coroutines());
  std::puts("\nco_await spawn(coro_a()):");
  run(await_tasks());
}
