#include <simul/loop_group.hpp>

#include <atomic>

#include <doctest/doctest.h>

#include <simul/sleep.hpp>
#include <simul/task.hpp>

using namespace simul;

namespace {

Coro<int> seven() { co_return 7; }

}  // namespace

TEST_SUITE("LoopGroup") {
  TEST_CASE("a loop whose main has ended still runs what the others send it") {
    LoopGroup group(2);
    std::atomic<bool> second_has_ended = false;
    int result = 0;
    auto first = [&]() -> Coro<> {
      while (!second_has_ended) {
        co_await yield_now();
      }
      for (int round = 0; round < 100; ++round) {
        result += co_await spawn(group[1], seven);
      }
    };
    auto second = [&]() -> Coro<> {
      second_has_ended = true;
      co_return;
    };
    group.run([&](Loop&, std::size_t index) { return index == 0 ? first() : second(); });
    CHECK(result == 700);
  }

  TEST_CASE("a group can run again") {
    LoopGroup group(3);
    std::atomic<int> mains = 0;
    auto main = [&](Loop&, std::size_t) -> Coro<> {
      ++mains;
      co_return;
    };
    group.run(main);
    group.run(main);
    CHECK(mains == 6);
  }
}
