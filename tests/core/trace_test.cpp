#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>

#include <simul/call_graph.hpp>

#include "harness.hpp"
#include "loop_access.hpp"
#include "step_observer.hpp"
#include "trace/handoff_tracer.hpp"
#include "trace/json_tracer.hpp"

using namespace simul;
using namespace simul::test;

namespace {

Coro<int> triple(int value) { co_return value * 3; }

Coro<int> first_half(int value) {
  co_await yield_now();
  co_return value;
}

Coro<> program() {
  co_await triple(1);  // ends at once
  co_await first_half(2);
}

Coro<> with_callback() {
  Loop::current().call_soon([] {});
  co_await yield_now();
}

/// What is written while it lives.
class Written {
 public:
  Written() : file_(std::tmpfile()) {}
  ~Written() { std::fclose(file_); }
  Written(const Written&) = delete;
  Written& operator=(const Written&) = delete;
  [[nodiscard]] std::FILE* file() const noexcept { return file_; }
  [[nodiscard]] std::string text() const {
    std::string text(static_cast<std::size_t>(std::ftell(file_)), '\0');
    std::rewind(file_);
    text.resize(std::fread(text.data(), 1, text.size(), file_));
    return text;
  }

 private:
  std::FILE* file_;
};

template <typename Fn>
std::string traced(bool narrated, Fn fn) {
  const Written written;
  VirtualClock clock;
  Loop loop(clock);
  detail::LoopAccess::observe(
      loop, std::make_unique<detail::StepObserver>(
                std::make_unique<detail::HandoffTracer>(loop, written.file(), 1, narrated), false));
  loop.run_until_complete(fn());
  detail::LoopAccess::observe(loop, nullptr);
  return written.text();
}

Coro<> recursion(int depth) {
  if (depth > 0) {
    co_await recursion(depth - 1);
  }
}

}  // namespace

TEST_SUITE("trace") {
  TEST_CASE("the trace of a deep recursion is as long as it is deep") {
    CHECK(traced(false, [] { return recursion(5'000); }).size() < 5'000'000);
  }

  TEST_CASE("who begins to count the time in a step that is traced counts from there") {
    const Written written;
    Loop loop;
    detail::LoopAccess::observe(
        loop, std::make_unique<detail::StepObserver>(
                  std::make_unique<detail::HandoffTracer>(loop, written.file(), 1, false), false));
    const TimePoint begin = loop.exact_now();
    auto counting = [&]() -> Coro<> {
      loop.count_time(true);
      co_await yield_now();
      CHECK(call_graph().task.times->busy <= loop.exact_now() - begin);
    };
    loop.run_until_complete(counting());
    detail::LoopAccess::observe(loop, nullptr);
  }

  TEST_CASE("control goes down the calls, and comes back the same way when a task has to wait") {
    CHECK(traced(false, program) == R"(1  program
2      event-loop
3          program_task.step
4              program()
5                  triple()
6              program()
7                  first_half()
8                      yield.__await__
9                  first_half()
10             program()
11         program_task.step
12     event-loop
13         program_task.step
14             yield.__await__
15                 first_half()
16                 program()
17         program_task.step
18     event-loop
)");
  }

  TEST_CASE("what only carries a function to its task isn't shown") {
    auto spawns = []() -> Coro<> { co_await spawn(triple, 5); };
    const std::string text = traced(false, spawns);
    CHECK(text.find(" triple_task.step\n") != std::string::npos);
    CHECK(text.find(" triple()\n") != std::string::npos);
    CHECK(text.find("call_kept") == std::string::npos);
  }

  TEST_CASE("a callback has its turn like a task") {
    const std::string text = traced(false, with_callback);
    CHECK(text.find("event-loop\n9          a callback\n10     event-loop\n") != std::string::npos);
  }

  TEST_CASE("the story tells where a task waits, and what stands in the queue") {
    const std::string text = traced(true, with_callback);
    CHECK(text.find("4. Control is now in with_callback().\n"
                    "        It awaits yield at trace_test.cpp:") != std::string::npos);
    CHECK(text.find("The queue: a callback, with_callback_task.") != std::string::npos);
    CHECK(text.find("It takes a callback off its queue, and calls it.") != std::string::npos);
    CHECK(text.ends_with("The queue is empty.\n"));
  }

  TEST_CASE("a task that was cancelled before it began has a step all the same") {
    auto cancels = []() -> Coro<> {
      Task<int> task = spawn(triple(1));
      task.cancel();
      co_await yield_now();
      CHECK(task.state() == TaskState::cancelled);
    };
    CHECK(traced(false, cancels).find("triple_task.step\n") != std::string::npos);
  }

  TEST_CASE("each step and each coroutine of the JSON trace that begins also ends") {
    const Written written;
    VirtualClock clock;
    Loop loop(clock);
    std::fputs("[\n", written.file());
    detail::LoopAccess::observe(
        loop, std::make_unique<detail::StepObserver>(
                  std::make_unique<detail::JsonTracer>(written.file(), 1), false));
    auto named = []() -> Coro<> {
      Task<> task = spawn(with_callback());
      task.set_name("a \"quoted\" \\ name\n");
      co_await task;
    };
    loop.run_until_complete(named());
    detail::JsonTracer::finish(written.file());
    const auto events = nlohmann::json::parse(written.text());
    int depth = 0;
    int waits = 0;
    bool named_seen = false;
    for (const auto& event : events) {
      const std::string phase = event["ph"];
      depth += phase == "B" ? 1 : phase == "E" ? -1 : 0;
      waits += phase == "b" ? 1 : phase == "e" ? -1 : 0;
      CHECK(depth >= 0);
      named_seen = named_seen || event["name"] == "a \"quoted\" \\ name ";
    }
    CHECK(depth == 0);
    CHECK(waits == 0);
    CHECK(named_seen);
  }
}
