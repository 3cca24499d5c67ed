// send, yield and StopIteration: a coroutine driven by hand, without a loop
//
// From "A Conceptual Overview of asyncio", part 2. The program of the document, line by line: a value is
// yielded out of the innermost coroutine, past the one that awaits it, to whoever drives the outermost one,
// and the value that is sent goes all the way back in.
//
// A Coro, which a loop drives, has none of this: what it awaits talks to its task, not to its caller.
// RawCoroutine is Python's coroutine, for looking at suspension itself. Where Python raises StopIteration
// at the end, send() gives a step that has returned: an end is not an error.
//
// There is no loop here, so there is nothing that `simul lesson rock --trace` could print.
#include <cstdio>

#include <simul/raw_coroutine.hpp>

#include "arguments.hpp"

using simul::RawCoroutine;

// [rock]
using Body = RawCoroutine<int, int, int>;  // yields, is sent, and returns an int

struct Rock {
  Body await_() {  // Python: __await__
    int value_sent_in = co_yield 7;
    std::printf("Rock.__await__ resuming with value: %d.\n", value_sent_in);
    co_return value_sent_in;
  }
};

Body coroutine_main() {
  std::puts("Beginning coroutine main().");
  Rock rock;
  std::puts("Awaiting rock...");
  int value_from_rock = co_await rock;
  std::printf("Coroutine received value: %d from rock.\n", value_from_rock);
  co_return 23;
}

void drive() {
  Body coroutine = coroutine_main();
  int intermediate_result = coroutine.send().yielded();  // Python: send(None)
  std::printf("Coroutine paused and returned intermediate value: %d.\n", intermediate_result);

  std::puts("Resuming coroutine and sending in value: 42.");
  int returned_value = coroutine.send(42).returned();  // Python: StopIteration.value
  std::printf("Coroutine main() finished and provided value: %d.\n", returned_value);
}
// [/rock]

int main(int argc, char** argv) {
  expect_no_arguments(argc, argv);
  drive();
}
