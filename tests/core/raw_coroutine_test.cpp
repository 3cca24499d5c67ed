// The programs with which the overview of asyncio explains suspending: the rock that is sent a value,
// and Task.step with its event loop. Their output is the overview's.
#include <simul/raw_coroutine.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

using Raw = RawCoroutine<int, int, int>;

// --- the rock --------------------------------------------------------------------------------------

struct Printer {
  void operator()(const std::string& line) { text += line + "\n"; }
  std::string text;
};

class Rock {
 public:
  explicit Rock(Printer& print) : print_(print) {}
  Raw await_() {
    const int value_sent_in = co_yield 7;
    print_("Rock.__await__ resuming with value: " + std::to_string(value_sent_in) + ".");
    co_return value_sent_in;
  }

 private:
  Printer& print_;
};

Raw rock_main(Printer& print) {
  print("Beginning coroutine main().");
  Rock rock(print);
  print("Awaiting rock...");
  const int value_from_rock = co_await rock;
  print("Coroutine received value: " + std::to_string(value_from_rock) + " from rock.");
  co_return 23;
}

// --- Task.step and an event loop ---------------------------------------------------------------------

/// Says where control is, with the indentation of the overview's list.
struct ControlFlow {
  void enter(const std::string& place) {
    stack.push_back(place);
    say();
  }
  void leave() {
    stack.pop_back();
    say();
  }
  void say() { text += std::string(4 * (stack.size() - 1), ' ') + stack.back() + "\n"; }
  std::vector<std::string> stack;
  std::string text;
};

class HandLoop {
 public:
  void call_soon(std::function<void()> callback) { ready_.push_back(std::move(callback)); }
  /// The overview's loop cycles aimlessly onwards; this one returns.
  void run() {
    while (!ready_.empty()) {
      auto callback = std::move(ready_.front());
      ready_.pop_front();
      callback();
    }
  }

 private:
  std::deque<std::function<void()>> ready_;
};

class HandTask {
 public:
  using Body = RawCoroutine<HandTask*, std::monostate, int>;

  HandTask(HandLoop& loop, ControlFlow& flow, std::string name, Body body)
      : loop_(loop), flow_(flow), name_(std::move(name)), coro_(std::move(body)) {
    loop_.call_soon([this] { step(); });
  }

  void step() {
    flow_.enter(name_ + ".step");
    auto awaited = coro_.send();
    flow_.say();
    if (awaited.has_returned()) {
      result_ = awaited.returned();
      for (auto& callback : callbacks_) {
        loop_.call_soon(callback);
      }
    } else {
      awaited.yielded()->callbacks_.push_back([this] { step(); });
    }
    flow_.leave();
  }

  Body await_() {
    flow_.enter(name_ + ".__await__");
    if (!done()) {
      // The yield percolates through main() to main_task.step.
      flow_.leave();
      flow_.stack.pop_back();
      co_yield this;
      flow_.enter(name_ + ".__await__");
    }
    if (!done()) {
      throw std::runtime_error("await wasn't used with future");
    }
    co_return *result_;
  }
  [[nodiscard]] bool done() const { return result_.has_value(); }
  [[nodiscard]] int result() const { return *result_; }

 private:
  HandLoop& loop_;
  ControlFlow& flow_;
  std::string name_;
  Body coro_;
  std::optional<int> result_;
  std::vector<std::function<void()>> callbacks_;
};

// --- nesting -----------------------------------------------------------------------------------------

Raw yields_twice(int first) {
  const int a = co_yield first;
  const int b = co_yield first + 1;
  co_return a * 100 + b;
}

}  // namespace

TEST_SUITE("raw coroutine") {
  TEST_CASE("the rock: seven comes out, 42 goes in, 23 is returned") {
    Printer print;
    auto coroutine = rock_main(print);
    const int intermediate_result = coroutine.send().yielded();
    print("Coroutine paused and returned intermediate value: " +
          std::to_string(intermediate_result) + ".");
    print("Resuming coroutine and sending in value: 42.");
    auto last = coroutine.send(42);
    REQUIRE(last.has_returned());
    print("Coroutine main() finished and provided value: " + std::to_string(last.returned()) + ".");
    CHECK(print.text ==
          "Beginning coroutine main().\n"
          "Awaiting rock...\n"
          "Coroutine paused and returned intermediate value: 7.\n"
          "Resuming coroutine and sending in value: 42.\n"
          "Rock.__await__ resuming with value: 42.\n"
          "Coroutine received value: 42 from rock.\n"
          "Coroutine main() finished and provided value: 23.\n");
    CHECK(coroutine.done());
  }

  TEST_CASE("Task.step: control goes the way that the overview lists in 17 lines") {
    ControlFlow flow;
    HandLoop loop;
    std::unique_ptr<HandTask> triple_task;
    auto triple = [&](int value) -> HandTask::Body {
      flow.enter("triple()");
      flow.stack.pop_back();
      co_return value * 3;
    };
    auto program = [&]() -> HandTask::Body {
      flow.enter("main()");
      triple_task = std::make_unique<HandTask>(loop, flow, "triple_task", triple(5));
      const int tripled = co_await *triple_task;
      flow.stack.back() = "    main()";  // one deeper in the list, for it was resumed from there
      flow.say();
      flow.stack.pop_back();
      co_return tripled + 2;
    };
    flow.enter("program");
    HandTask main_task(loop, flow, "main_task", program());
    flow.enter("event-loop");
    loop.run();
    CHECK(main_task.result() == 17);
    CHECK(flow.text ==
          "program\n"
          "    event-loop\n"
          "        main_task.step\n"
          "            main()\n"
          "                triple_task.__await__\n"
          "            main()\n"
          "        main_task.step\n"
          "    event-loop\n"
          "        triple_task.step\n"
          "            triple()\n"
          "        triple_task.step\n"
          "    event-loop\n"
          "        main_task.step\n"
          "            triple_task.__await__\n"
          "                main()\n"
          "        main_task.step\n"
          "    event-loop\n");
  }

  TEST_CASE("a sleep of one's own: what yields is asked again in the next cycle") {
    using Body = RawCoroutine<std::monostate>;
    Trace trace;
    int now = 0;
    auto simpler_async_sleep = [&](int ticks) -> Body {
      const int time_to_wake = now + ticks;
      while (now < time_to_wake) {
        co_yield {};
      }
    };
    auto work = [&]() -> Body {
      trace("work");
      co_return;
    };
    auto sleeper = [&]() -> Body {
      trace("begin");
      co_await simpler_async_sleep(3);
      trace("done");
    };
    std::deque<Body> ready;
    ready.push_back(sleeper());
    ready.push_back(work());
    ready.push_back(work());
    for (; !ready.empty(); ++now) {
      for (std::size_t left = ready.size(); left > 0; --left) {
        Body body = std::move(ready.front());
        ready.pop_front();
        if (!body.send().has_returned()) {
          ready.push_back(std::move(body));
        }
      }
    }
    CHECK(trace.text() == "begin work work done");
    CHECK(now == 4);
  }

  TEST_CASE("a yield passes through every co_await on the way, and what is sent comes back down") {
    auto inner = [](int n) -> Raw {
      const int both = co_await yields_twice(n);
      co_return both + (co_yield 99);
    };
    auto outer = [&]() -> Raw {
      const int first = co_await inner(1);
      const int second = co_await inner(5);
      co_return first * 10000 + second;
    };
    auto coroutine = outer();
    CHECK(coroutine.send().yielded() == 1);
    CHECK(coroutine.send(1).yielded() == 2);
    CHECK(coroutine.send(2).yielded() == 99);
    CHECK(coroutine.send(1000).yielded() == 5);
    CHECK(coroutine.send(3).yielded() == 6);
    CHECK(coroutine.send(4).yielded() == 99);
    CHECK(coroutine.send(5).returned() == (102 + 1000) * 10000 + 304 + 5);
  }

  TEST_CASE("awaiting one that never yields doesn't suspend, however often") {
    auto one = []() -> Raw { co_return 1; };
    auto sum = [&]() -> Raw {
      int total = 0;
      for (int i = 0; i < 100'000; ++i) {
        total += co_await one();
      }
      co_return total;
    };
    CHECK(sum().send().returned() == 100'000);
  }

  TEST_CASE("depth costs no stack") {
    struct Deep {
      static Raw down(int depth) {
        if (depth == 0) {
          co_return co_yield 1;
        }
        co_return co_await down(depth - 1);
      }
    };
    auto coroutine = Deep::down(10'000);
    CHECK(coroutine.send().yielded() == 1);
    CHECK(coroutine.send(5).returned() == 5);
  }

  TEST_CASE("an exception comes out of send, from wherever it is thrown, and ends the coroutine") {
    auto inner = []() -> Raw {
      co_yield 1;
      throw std::out_of_range("inside");
    };
    auto outer = [&]() -> Raw { co_return co_await inner(); };
    auto coroutine = outer();
    CHECK(coroutine.send().yielded() == 1);
    CHECK_THROWS_AS(coroutine.send(0), std::out_of_range);
    CHECK(coroutine.done());
    CHECK_THROWS_AS(coroutine.send(0), std::logic_error);
  }

  TEST_CASE("throw_ throws at the co_yield, where it can be caught") {
    auto inner = []() -> Raw {
      for (int n = 0;; ++n) {
        try {
          co_yield n;
        } catch (const std::invalid_argument&) {
          n = 100;
        }
      }
    };
    auto outer = [&]() -> Raw { co_return co_await inner(); };
    auto coroutine = outer();
    CHECK(coroutine.send().yielded() == 0);
    CHECK(coroutine.send(0).yielded() == 1);
    CHECK(coroutine.throw_(std::invalid_argument("caught")).yielded() == 101);
    CHECK_THROWS_AS(coroutine.throw_(std::out_of_range("not")), std::out_of_range);
    CHECK(coroutine.done());
  }

  TEST_CASE("throw_ ends one that hasn't started") {
    Trace trace;
    auto body = [&]() -> Raw {
      trace("ran");
      co_return 1;
    };
    auto coroutine = body();
    CHECK_THROWS_AS(coroutine.throw_(std::out_of_range("early")), std::out_of_range);
    CHECK(coroutine.done());
    CHECK(trace.text().empty());
  }

  TEST_CASE("close destroys what lives in it, the innermost first; so does dropping it") {
    for (const bool by_hand : {true, false}) {
      Trace trace;
      auto inner = [&]() -> Raw {
        const Farewell farewell(trace, "inner");
        co_return co_yield 1;
      };
      auto outer = [&]() -> Raw {
        const Farewell farewell(trace, "outer");
        co_return co_await inner();
      };
      {
        auto coroutine = outer();
        CHECK(coroutine.send().yielded() == 1);
        if (by_hand) {
          coroutine.close();
          CHECK(coroutine.done());
          CHECK(trace.text() == "inner outer");
          coroutine.close();  // nothing left to do
        }
      }
      CHECK(trace.text() == "inner outer");
    }
  }

  TEST_CASE("it can be moved between two sends") {
    auto first = yields_twice(1);
    CHECK(first.send().yielded() == 1);
    auto second = std::move(first);
    CHECK(second.send(4).yielded() == 2);
    first = std::move(second);
    CHECK(first.send(5).returned() == 405);
  }

  TEST_CASE("results may be moved out, and values moved in") {
    using Box = std::unique_ptr<int>;
    auto body = []() -> RawCoroutine<Box, Box, Box> {
      Box got = co_yield std::make_unique<int>(1);
      ++*got;
      co_return got;
    };
    auto coroutine = body();
    Box one = std::move(coroutine.send().yielded());
    CHECK(*one == 1);
    auto last = coroutine.send(std::move(one));
    CHECK(*last.returned() == 2);
  }

  TEST_CASE("misuse is told") {
    auto coroutine = yields_twice(1);
    CHECK_THROWS_AS(coroutine.send(5), std::logic_error);  // nobody waits for a value yet
    CHECK(coroutine.send().yielded() == 1);
    auto awaits_started = [&]() -> Raw { co_return co_await std::move(coroutine); };
    CHECK_THROWS_AS(awaits_started().send(), std::logic_error);

    Raw* self = nullptr;
    auto resumes_itself = [&]() -> Raw {
      CHECK_THROWS_AS(self->send(), std::logic_error);
      CHECK_THROWS_AS(self->close(), std::logic_error);
      co_return 1;
    };
    auto running = resumes_itself();
    self = &running;
    CHECK(running.send().returned() == 1);
  }
}
