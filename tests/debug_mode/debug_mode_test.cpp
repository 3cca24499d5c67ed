// Run with SIMUL_DEBUG=1.
#include "debug_mode.hpp"

#include <chrono>
#include <coroutine>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <simul/watchdog.hpp>

#include "creation_sites.hpp"
#include "harness.hpp"
#include "thread_cache.hpp"

using namespace simul;
using namespace simul::detail;
using namespace simul::test;

namespace {

Coro<int> number(int value) { co_return value; }

/// The frame that the coroutine object owns; takes it.
struct Frame {
  template <typename T>
  explicit Frame(Coro<T> coro) : handle(coro.release()) {}
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;
  [[gnu::noinline]] ~Frame() { handle.destroy(); }  // seen through, the frame would need no memory
  std::coroutine_handle<> handle;
};

std::string here(int line) { return "debug_mode_test.cpp:" + std::to_string(line); }

}  // namespace

TEST_SUITE("debug mode") {
  TEST_CASE("a coroutine knows where it was made") {
    const int line = __LINE__ + 1;
    const Frame frame(number(1));
    CHECK(created_at(frame.handle.address()) == here(line));
  }

  TEST_CASE("a coroutine lambda knows where it was called") {
    auto lambda = [](int value) -> Coro<int> { co_return value; };
    const int line = __LINE__ + 1;
    const Frame frame(lambda(1));
    CHECK(created_at(frame.handle.address()) == here(line));
  }

  TEST_CASE("a coroutine of simul's headers was made by who called into them") {
    auto nothing = []() -> Coro<> { co_return; };
    const int line = __LINE__ + 1;
    const Frame frame(fail_after(1s, nothing));
    CHECK(created_at(frame.handle.address()) == here(line));
  }

  TEST_CASE("what was freed is forgotten") {
    const void* block = nullptr;
    {
      const Frame frame(number(1));
      block = frame.handle.address();
      CHECK(!creation_of(block).empty());
    }
    CHECK(creation_of(block).empty());
    CHECK(created_at(block).empty());
    CHECK(created_at(&block).empty());
  }

  TEST_CASE("frames may be freed on another thread") {
    auto frame = std::make_unique<Frame>(number(1));
    const void* block = frame->handle.address();
    std::thread([&] { frame.reset(); }).join();
    CHECK(creation_of(block).empty());
    CHECK(ThreadCache::get() == nullptr);
  }

  TEST_CASE("the first loop starts a watchdog, which makes room for the program's own") {
    const LogCapture log;
    run([&]() -> Coro<> {
      const auto deadline = std::chrono::steady_clock::now() + 30s;
      while (!log.all().contains("has held up its event loop") &&
             std::chrono::steady_clock::now() < deadline) {
      }
      co_return;
    }());
    CHECK(log.all().contains("has held up its event loop"));
    CHECK_NOTHROW(Watchdog());
  }
}
