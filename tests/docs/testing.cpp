// The snippets of docs/runtime/testing.md.
#include <simul/testing.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include <simul/simul.hpp>

using namespace simul;
using namespace std::chrono_literals;

namespace {

const Endpoint address = Endpoint::ipv4({127, 0, 0, 1}, 7000);

// [echo]
Coro<> echo_once(Endpoint where) {
  auto listener = open_listener(where);
  auto peer = co_await listener->accept();
  while (auto chunk = co_await peer->stream->recv()) {
    if (!co_await peer->stream->send(*chunk)) {
      break;
    }
  }
}

Coro<std::string> ask(Endpoint where, std::string question) {
  auto peer = co_await open_connection(where);
  if (!peer || !co_await (*peer)->send(question)) {
    throw std::runtime_error("nobody answers");
  }
  std::string answer;
  while (answer.size() < question.size()) {
    auto chunk = co_await (*peer)->recv();
    if (!chunk) {
      throw std::runtime_error("half an answer");
    }
    answer += chunk->text();
  }
  co_return answer;
}
// [/echo]

struct Counter {
  int value = 0;
  Coro<> add() {
    ++value;
    co_await sleep(1s);
    --value;
  }
};

}  // namespace

TEST_SUITE("docs: testing") {
  TEST_CASE("virtual time") {
    // [clock]
    VirtualClock clock;
    Loop loop(clock);
    loop.run_until_complete([]() -> Coro<> { co_await sleep(24h); }());  // takes no time
    // [/clock]
    CHECK(clock.now() >= TimePoint(24h));
  }

  TEST_CASE("a world per seed") {
    // [seeds]
    run_seeds(100, [](std::uint64_t seed) {
      Simulation world(seed);
      Loop& server = world.add_loop("server");
      std::string answer = world.run([&]() -> Coro<std::string> {
        Task<> serving = spawn(server, echo_once, address);
        co_await sleep(1s);  // until it listens
        co_return co_await ask(address, "how are you?");
      });
      if (answer != "how are you?") {
        throw std::runtime_error("the answer was: " + answer);
      }
    });
    // [/seeds]
  }

  TEST_CASE("a deadlock") {
    std::string report;
    // [deadlock]
    Simulation world;
    try {
      world.run([]() -> Coro<> {
        auto [near, far] = memory_stream_pair({.lockstep = true});
        (void)co_await near.send("is anybody there?");  // nobody receives, ever
      });
    } catch (const Deadlock& deadlock) {
      report = deadlock.what();  // ... on loop 'main' task 'main' waits for send at testing.cpp:91
    }
    // [/deadlock]
    CHECK(report.find("task 'main' waits for send at testing.cpp:") != std::string::npos);
  }

  TEST_CASE("chaos") {
    // [chaos]
    auto [near, far] = memory_stream_pair({.chaos = Chaos{.seed = 17, .reset_within = 10'000}});
    // [/chaos]
    CHECK(near.counts().send == 0);
  }

  TEST_CASE("conformance") {
    // [conformance]
    Simulation world(3);
    world.run(check_stream_conformance([]() -> Coro<StreamPair> {
      auto [a, b] = memory_stream_pair();
      co_return StreamPair{
          std::make_unique<CrossingStream>(std::make_unique<MemoryStream>(std::move(a))),
          std::make_unique<CrossingStream>(std::make_unique<MemoryStream>(std::move(b)))};
    }));
    // [/conformance]
  }

  TEST_CASE("cancel everywhere") {
    // [everywhere]
    std::size_t rounds = cancel_everywhere([](Cut& cut) -> Coro<> {
      Counter counter;
      auto use = [&]() -> Coro<> { co_await counter.add(); };
      bool ended = co_await cut.run(use);
      if (ended && counter.value != 0) {
        throw std::logic_error("a count was lost");
      }
    });
    // [/everywhere]
    CHECK(rounds > 2);
  }
}
