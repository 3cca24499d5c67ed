#include "connection_limit.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <simul/loop.hpp>
#include <simul/loop_group.hpp>
#include <simul/sleep.hpp>
#include <simul/task.hpp>

namespace {

using namespace simul;
using server::ConnectionLimit;
using Permit = ConnectionLimit::Permit;

TEST_CASE("below the limit nobody waits, and a permit that dies makes room") {
  run([]() -> Coro<> {
    ConnectionLimit limit(2);
    {
      const Permit first = co_await limit.enter();
      const Permit second = co_await limit.enter();
      CHECK(limit.current() == 2);
    }
    CHECK(limit.current() == 0);
    CHECK(limit.peak() == 2);
  }());
}

TEST_CASE("a released permit lasts until somebody says leave") {
  run([]() -> Coro<> {
    ConnectionLimit limit(1);
    {
      Permit permit = co_await limit.enter();
      permit.release();
    }
    CHECK(limit.current() == 1);
    limit.leave();
    CHECK(limit.current() == 0);
  }());
}

TEST_CASE("who waits is admitted in the order of arrival, one for each who leaves") {
  run([]() -> Coro<> {
    ConnectionLimit limit(1);
    std::string admitted;
    auto visitor = [&](char name) -> Coro<> {
      Permit permit = co_await limit.enter();
      permit.release();
      admitted += name;
    };
    std::optional<Permit> first = co_await limit.enter();
    std::vector<Task<>> visitors;
    for (const char name : {'a', 'b', 'c'}) {
      visitors.push_back(spawn(visitor(name)));
    }
    co_await yield_now();
    CHECK(admitted.empty());
    first.reset();
    co_await visitors[0];
    co_await yield_now();
    CHECK(admitted == "a");
    limit.leave();
    co_await visitors[1];
    CHECK(admitted == "ab");
    limit.leave();
    co_await visitors[2];
    CHECK(admitted == "abc");
    CHECK(limit.peak() == 1);
    limit.leave();
  }());
}

TEST_CASE("who is cancelled while waiting takes no place with him") {
  run([]() -> Coro<> {
    ConnectionLimit limit(1);
    auto visitor = [&]() -> Coro<> { const Permit permit = co_await limit.enter(); };
    std::optional<Permit> first = co_await limit.enter();
    Task<> impatient = spawn(visitor());
    Task<> patient = spawn(visitor());
    co_await yield_now();
    impatient.cancel();
    first.reset();
    co_await patient;
    CHECK(impatient.state() == TaskState::cancelled);
    CHECK(limit.current() == 0);
  }());
}

TEST_CASE("who was admitted before the cancellation reached him gives his place back") {
  run([]() -> Coro<> {
    ConnectionLimit limit(1);
    auto visitor = [&]() -> Coro<> { const Permit permit = co_await limit.enter(); };
    std::optional<Permit> first = co_await limit.enter();
    Task<> late = spawn(visitor());
    co_await yield_now();
    first.reset();  // admitted, and the news is on its way
    late.cancel();
    co_await late;  // the permit was the result of its await, and that won
    CHECK(late.state() == TaskState::done);
    CHECK(limit.current() == 0);
    const Permit next = co_await limit.enter();
  }());
}

TEST_CASE("many loops never get more in than the limit, and all get their turn") {
  constexpr int kRounds = 300;
  constexpr std::uint32_t kLimit = 2;
  ConnectionLimit limit(kLimit);
  std::atomic<std::uint32_t> inside = 0;
  std::atomic<int> visits = 0;
  LoopGroup loops(4);
  loops.run([&](Loop&, std::size_t) -> Coro<> {
    for (int i = 0; i < kRounds; ++i) {
      const Permit permit = co_await limit.enter();
      if (++inside > kLimit) {
        FAIL("too many inside");
      }
      co_await yield_now();
      --inside;
      ++visits;
    }
  });
  CHECK(visits == 4 * kRounds);
  CHECK(limit.current() == 0);
  CHECK(limit.peak() <= kLimit);
}

}  // namespace
