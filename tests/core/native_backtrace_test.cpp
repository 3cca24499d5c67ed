#include "native_backtrace.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "function_label.hpp"
#include "harness.hpp"

using namespace simul;
using namespace simul::detail;
using namespace simul::test;

namespace {

std::atomic<int> line_of_collect = 0;

[[gnu::noinline]] NativeStack collect_here() {
  NativeStack stack;
  line_of_collect = __LINE__ + 1;
  stack.collect();
  return stack;
}

[[gnu::always_inline]] inline NativeStack collect_inlined() { return collect_here(); }

[[gnu::noinline]] NativeStack call_inlined() {
  NativeStack stack = collect_inlined();
  return stack;
}

[[gnu::noinline]] void recurse(int depth, NativeStack& stack) {
  if (depth == 0) {
    stack.collect();
  } else {
    recurse(depth - 1, stack);
  }
  asm volatile("" ::: "memory");  // no tail call
}

NativeStack interrupted;

void on_signal(int) { interrupted.collect(); }

[[gnu::noinline]] void raise_here() {
  std::raise(SIGUSR1);
  asm volatile("" ::: "memory");
}

std::size_t index_of(const std::vector<NativeFrame>& frames, std::string_view function) {
  const auto found = std::ranges::find_if(
      frames, [&](const NativeFrame& frame) { return frame.function.contains(function); });
  CAPTURE(function);
  REQUIRE(found != frames.end());
  return static_cast<std::size_t>(found - frames.begin());
}

}  // namespace

TEST_SUITE("native backtrace") {
  TEST_CASE("a frame has a demangled function, a file and a line") {
    const std::vector<NativeFrame> frames = frames_of(collect_here().pcs());
    const NativeFrame& here = frames[index_of(frames, "collect_here()")];
    CHECK(base_name(here.file) == "native_backtrace_test.cpp");
    CHECK(here.line == line_of_collect);
    CHECK(here.text() ==
          here.function + " at native_backtrace_test.cpp:" + std::to_string(here.line));
  }

  TEST_CASE("what was inlined has frames of its own, within that of its caller") {
    const std::vector<NativeFrame> frames = frames_of(call_inlined().pcs());
    const std::size_t innermost = index_of(frames, "collect_here");
    CHECK(index_of(frames, "collect_inlined") == innermost + 1);
    CHECK(index_of(frames, "call_inlined") == innermost + 2);
  }

  TEST_CASE("a deep stack keeps its inner end") {
    NativeStack stack;
    recurse(1000, stack);
    CHECK(stack.pcs().size() == NativeStack::kMost);
    CHECK(index_of(frames_of(stack.pcs()), "recurse") <= 2);
  }

  TEST_CASE("in a signal handler it is the stack that was interrupted") {
    struct sigaction action{};
    struct sigaction previous{};
    action.sa_handler = on_signal;
    NativeStack().collect();
    ::sigaction(SIGUSR1, &action, &previous);
    raise_here();
    ::sigaction(SIGUSR1, &previous, nullptr);
    const std::vector<NativeFrame> frames = frames_of(interrupted.pcs());
    CHECK(std::ranges::none_of(
        frames, [](const NativeFrame& frame) { return frame.function.contains("on_signal"); }));
    CHECK(index_of(frames, "raise_here()") < 8);
  }

  TEST_CASE(
      "code that nobody knows is an address; code without debug information has a name or a "
      "module") {
    const std::array<ProgramCounter, 2> pcs = {0x10,
                                               reinterpret_cast<ProgramCounter>(&std::raise) + 1};
    const std::vector<NativeFrame> frames = frames_of(pcs);
    REQUIRE(frames.size() >= 2);
    CHECK(frames.front().text() == "0x10");
    CHECK(!frames.back().text().empty());
  }

  TEST_CASE("several threads describe at once") {
    std::vector<std::thread> threads;
    std::array<std::size_t, 4> found{};
    for (std::size_t& count : found) {
      threads.emplace_back([&count] {
        for (int i = 0; i < 20; ++i) {
          count += frames_of(collect_here().pcs()).size();
        }
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    CHECK(std::ranges::all_of(found, [](std::size_t count) { return count >= 20; }));
  }

  TEST_CASE("the loop that resumes a task is left out") {
    std::vector<NativeFrame> frames;
    run_virtual([&]() -> Coro<> {
      frames = without_loop(frames_of(collect_here().pcs()));
      co_return;
    });
    index_of(frames, "collect_here()");
    CHECK(std::ranges::none_of(frames, [](const NativeFrame& frame) {
      return frame.function.starts_with("main") || frame.function.contains("run_ready");
    }));
  }
}
