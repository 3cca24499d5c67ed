// The smallest program with two tasks: the main task waits for another one and goes on with its
// result. 5 * 3 + 2 = 17.
#include <cstdio>

#include <simul/simul.hpp>

namespace lesson {

using namespace simul;

Coro<int> triple(int value) { co_return value * 3; }

Coro<int> main() {
  Task<int> triple_task = spawn(triple(5));  // queued, not started
  const int tripled = co_await triple_task;  // cedes control; woken through the ready queue
  co_return tripled + 2;
}

}  // namespace lesson

int main() { std::printf("%d\n", simul::run(lesson::main())); }
