// The snippets of docs/runtime/raw_suspension.md.
#include <deque>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include <simul/raw_coroutine.hpp>

using namespace simul;

namespace {

std::string printed;
void print(const std::string& line) { printed += line + "\n"; }

// [rock]
using Body = RawCoroutine<int, int, int>;  // yields, is sent, returns

struct Rock {
  Body await_() {
    int value_sent_in = co_yield 7;
    print("Rock resuming with value: " + std::to_string(value_sent_in));
    co_return value_sent_in;
  }
};

Body main_coroutine() {
  Rock rock;
  int value_from_rock = co_await rock;
  print("received: " + std::to_string(value_from_rock));
  co_return 23;
}

void drive() {
  Body coroutine = main_coroutine();
  int intermediate = coroutine.send().yielded();  // Python's send(None)
  print("paused with: " + std::to_string(intermediate));
  int returned = coroutine.send(42).returned();  // Python's StopIteration.value
  print("returned: " + std::to_string(returned));
}
// [/rock]

// [loop]
using Work = RawCoroutine<std::monostate>;  // yields nothing but its turn

Work count(std::string name, int to) {
  for (int i = 1; i <= to; ++i) {
    print(name + std::to_string(i));
    co_yield {};
  }
}

void event_loop(std::deque<Work> ready) {
  while (!ready.empty()) {
    Work work = std::move(ready.front());
    ready.pop_front();
    if (!work.send().has_returned()) {
      ready.push_back(std::move(work));
    }
  }
}
// [/loop]

}  // namespace

TEST_SUITE("docs: raw suspension") {
  TEST_CASE("rock") {
    printed.clear();
    drive();
    CHECK(printed == "paused with: 7\nRock resuming with value: 42\nreceived: 42\nreturned: 23\n");
  }

  TEST_CASE("loop") {
    printed.clear();
    std::deque<Work> ready;
    ready.push_back(count("a", 2));
    ready.push_back(count("b", 3));
    event_loop(std::move(ready));
    CHECK(printed == "a1\nb1\na2\nb2\nb3\n");
  }
}
