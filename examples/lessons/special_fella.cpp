// Calling a coroutine function runs nothing
//
// From "A Conceptual Overview of asyncio", part 1, "Asynchronous Functions & Coroutines" and "Tasks". A function runs when
// it is called; a coroutine function makes a coroutine object, which runs when it is awaited, or as a task.
//
// Python warns of a coroutine that was never awaited, and so does this library when one is dropped; the compiler
// does so before, unless it is silenced, as it is here. The document's Task takes its loop as an argument; in
// C++ as in today's Python a task is spawned on the loop that runs.
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include <simul/simul.hpp>

#include "arguments.hpp"

using namespace simul;

// [functions]
void hello_printer() {
  std::puts(
      "Hi, I am a lowly, simple printer, though I have all I need in life --\n"
      "fresh paper & a loving octopus-wife.");
}

Coro<> special_fella(int magic_number) {
  std::printf(
      "I am a super special function. Far cooler than that printer. "
      "By the way, my lucky number is: %d.\n",
      magic_number);
  co_return;
}
// [/functions]

// [program]
Coro<> program() {
  hello_printer();  // runs

  Coro<> coroutine = special_fella(3);  // doesn't
  std::puts(to_string(coroutine).c_str());

  std::puts("Awaited:");
  co_await coroutine;
  std::puts(to_string(coroutine).c_str());

  std::puts("Awaited again:");
  try {
    co_await coroutine;
  } catch (const std::logic_error& error) {
    std::printf("error: %s\n", error.what());
  }

  std::puts("As tasks:");
  Task<> special_task = spawn(special_fella(5));
  Task<> another_special_task = spawn(special_fella(12));
  co_await special_task;
  co_await another_special_task;

  std::puts("Neither awaited nor spawned:");
  (void)special_fella(4);
}
// [/program]

int main(int argc, char** argv) {
  expect_no_arguments(argc, argv);
  ::setenv("SIMUL_DEBUG", "1",
           1);  // then the warning also says where the coroutine function was called
  set_log_sink([](LogLevel, std::string_view text) {
    if (text.starts_with(
            "coroutine")) {  // in debug mode there may be more to say, on a slow machine
      std::printf("log: %.*s\n", static_cast<int>(text.size()), text.data());
    }
  });
  run(program());
}
