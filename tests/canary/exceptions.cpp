// Exceptions through awaits.
#include <stdexcept>

#include "canary.hpp"

using namespace canary;

namespace {

Coro<int> caught() {
  try {
    co_return co_await failing();
  } catch (int value) {
    co_return value + 1;
  }
}

Coro<int> through_three_frames() {
  auto inner = [](Tracked) -> Coro<int> { co_return co_await failing(); };
  auto outer = [&](Tracked) -> Coro<int> {
    Tracked local{1};
    co_return co_await inner(Tracked{2});
  };
  try {
    co_return co_await outer(Tracked{3});
  } catch (int value) {
    co_return value;
  }
}

Coro<int> await_after_catch() {
  bool failed = false;
  try {
    Tracked t{1};
    co_await failing();
  } catch (...) {
    failed = true;
  }
  co_return failed ? co_await number(7) : 0;
}

Coro<int> thrown_amid_an_argument_list() {
  auto take = [](Tracked, Tracked, int) { return 0; };
  try {
    co_return take(Tracked{1}, co_await tracked(2), co_await failing());
  } catch (int value) {
    co_return value;
  }
}

Coro<int> thrown_amid_an_aggregate() {
  struct Three {
    Tracked a;
    Tracked b;
    int c;
  };
  try {
    Three three{Tracked{1}, co_await tracked(2), co_await failing()};
    co_return three.c;
  } catch (int value) {
    co_return value;
  }
}

Coro<int> in_a_loop() {
  int caught = 0;
  for (int i = 0; i < 5; ++i) {
    try {
      Tracked t = co_await tracked(i);
      if (co_await truth(i % 2 == 0)) throw std::runtime_error("even");
    } catch (const std::runtime_error&) {
      ++caught;
      continue;
    }
  }
  co_return caught;
}

Coro<int> nested_try() {
  std::string what;
  try {
    try {
      Tracked t{1};
      co_await failing();
    } catch (int value) {
      throw std::runtime_error(std::to_string(value));
    }
  } catch (const std::runtime_error& error) {
    what = error.what();
  }
  co_return std::stoi(what) + co_await number(1);
}

struct ThrowingReady {
  bool await_ready() { throw 1; }
  void await_suspend(std::coroutine_handle<>) {}
  int await_resume() { return 0; }
};
struct ThrowingSuspend {
  Tracked payload{1};
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<>) { throw 2; }
  int await_resume() { return 0; }
};
struct ThrowingResume {
  Tracked payload{1};
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> self) { parked = self; }
  int await_resume() { throw 3; }
};

template <typename Awaiter>
Coro<int> awaits() {
  Tracked t{1};
  try {
    co_return co_await Awaiter{};
  } catch (int value) {
    co_return t.checked() * 10 + value;
  }
}

Coro<int> constructor_throws() {
  struct Throws {
    Tracked first{1};
    Throws() { throw 5; }
  };
  try {
    co_await Pause<>{};
    Throws object;
    co_return 0;
  } catch (int value) {
    co_return value;
  }
}

struct ThrowsOnCopy {
  ThrowsOnCopy() = default;
  ThrowsOnCopy(const ThrowsOnCopy&) { throw 6; }
};

Coro<int> parameter_copy_throws(Tracked, ThrowsOnCopy) { co_return 0; }

Coro<int> rethrown() {
  std::exception_ptr stored;
  try {
    co_await failing();
  } catch (...) {
    stored = std::current_exception();
  }
  co_await Pause<>{};
  try {
    std::rethrow_exception(stored);
  } catch (int value) {
    co_return value;
  }
}

Coro<> uncaught() {
  Tracked t{1};
  co_await failing();
}

}  // namespace

CANARY("an exception through an await") { CHECK(run(caught()) == 43); }
CANARY("an exception through three frames") { CHECK(run(through_three_frames()) == 42); }
CANARY("an await after a catch block") { CHECK(run(await_after_catch()) == 7); }
CANARY("an exception amid an argument list") { CHECK(run(thrown_amid_an_argument_list()) == 42); }
CANARY("an exception amid an aggregate") { CHECK(run(thrown_amid_an_aggregate()) == 42); }
CANARY("exceptions in a loop") { CHECK(run(in_a_loop()) == 3); }
CANARY("nested try blocks") { CHECK(run(nested_try()) == 43); }
CANARY("await_ready that throws") { CHECK(run(awaits<ThrowingReady>()) == 11); }
CANARY("await_suspend that throws") { CHECK(run(awaits<ThrowingSuspend>()) == 12); }
CANARY("await_resume that throws") { CHECK(run(awaits<ThrowingResume>()) == 13); }
CANARY("a constructor that throws after an await") { CHECK(run(constructor_throws()) == 5); }
CANARY("a parameter whose copy throws") {
  const ThrowsOnCopy bomb;
  int value = 0;
  try {
    (void)parameter_copy_throws(Tracked{1}, bomb);
  } catch (int thrown) {
    value = thrown;
  }
  CHECK(value == 6);
}
CANARY("an exception rethrown later") { CHECK(run(rethrown()) == 42); }
CANARY("an exception that nobody catches") {
  int value = 0;
  try {
    run(uncaught());
  } catch (int thrown) {
    value = thrown;
  }
  CHECK(value == 42);
}
