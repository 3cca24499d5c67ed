// Two tasks: who has control when, in seventeen steps
//
// From "A Conceptual Overview of asyncio", "Analyzing an example programs control flow". The main task
// waits for another one and goes on with its result: 5 * 3 + 2 = 17. `simul lesson triple --trace` prints the
// document's listing of how control goes from hand to hand.
//
// The document's program ends with loop.run_forever(), which never returns: nothing prints the 17, and Ctrl-C
// ends it. run() returns what main() returns.
#include <cstdio>

#include <simul/simul.hpp>

#include "arguments.hpp"

using namespace simul;

namespace lesson {

// [program]
Coro<int> triple(int value) { co_return value * 3; }

Coro<int> main() {
  Task<int> triple_task = spawn(triple(5));  // queued, not started
  int tripled = co_await triple_task;        // cedes control; woken through the ready queue
  co_return tripled + 2;
}
// [/program]

}  // namespace lesson

int main(int argc, char** argv) {
  expect_no_arguments(argc, argv);
  std::printf("%d\n", run(lesson::main()));
}
