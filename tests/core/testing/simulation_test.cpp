// Worlds of several loops on one thread: order, time, deadlocks, and what is left behind.
#include <simul/testing/simulation.hpp>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <simul/to_thread.hpp>

#include "../harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

/// What three loops with three tasks each do, in the order in which it happens.
std::string trace_of(Simulation& world) {
  Trace trace;
  Loop& second = world.add_loop("second");
  Loop& third = world.add_loop("third");
  auto worker = [&trace](std::string name) -> Coro<> {
    for (int i = 0; i < 3; ++i) {
      trace(name + std::to_string(i));
      co_await yield_now();
    }
    co_await sleep(1ms);
    trace(name + "!");
  };
  world.run([&]() -> Coro<> {
    std::vector<Task<>> tasks;
    for (const char* name : {"a", "b"}) {
      tasks.push_back(spawn(worker, name));
      tasks.push_back(spawn(second, worker, std::string("2") + name));
      tasks.push_back(spawn(third, worker, std::string("3") + name));
    }
    for (Task<>& task : tasks) {
      co_await task;
    }
  });
  return trace.text();
}

/// Calls `run` and gives the words of the SimulationStuck that it throws.
template <typename Stuck, typename Fn>
std::string stuck_message(Fn run) {
  try {
    run();
  } catch (const Stuck& stuck) {
    return stuck.what();
  }
  return "it came to its end";
}

}  // namespace

TEST_SUITE("simulation") {
  TEST_CASE("a job without a thread may cancel the one who waits for it; its result wins") {
    Simulation world;
    world.run([]() -> Coro<> {
      Task<int> waiter;
      waiter = spawn([&]() -> Coro<int> {
        co_return co_await to_thread([&] {
          waiter.cancel();
          return 7;
        });
      });
      CHECK(co_await waiter == 7);
    });
  }

  TEST_CASE("seed 0 is first in, first out, the loops in turns") {
    Simulation world;
    CHECK(
        trace_of(world) ==
        "a0 b0 2a0 2b0 3a0 3b0 a1 b1 2a1 2b1 3a1 3b1 a2 b2 2a2 2b2 3a2 3b2 a! b! 2a! 2b! 3a! 3b!");
  }

  TEST_CASE("the same seed gives the same run, other seeds other ones") {
    std::set<std::string> traces;
    std::set<std::uint64_t> fingerprints;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
      Simulation once(seed);
      Simulation again(seed);
      const std::string trace = trace_of(once);
      CHECK(trace == trace_of(again));
      CHECK(once.fingerprint() == again.fingerprint());
      CHECK(once.steps() == again.steps());
      traces.insert(trace);
      fingerprints.insert(once.fingerprint());
    }
    CHECK(traces.size() > 40);
    CHECK(fingerprints.size() == 50);
  }

  TEST_CASE("time jumps for all loops together, and each sees its own step as the current loop's") {
    Simulation world(7);
    Loop& other = world.add_loop("other");
    const TimePoint start = world.now();
    const int result = world.run([&]() -> Coro<int> {
      Task<Duration> there = spawn(other, [&]() -> Coro<Duration> {
        CHECK(&Loop::current() == &other);
        const TimePoint before = Loop::current().now();
        co_await sleep(24h);
        CHECK(&Loop::current() == &other);
        co_return Loop::current().now() - before;
      });
      CHECK(&Loop::current() == &world.loop());
      co_await sleep(12h);
      CHECK(&Loop::current() == &world.loop());
      CHECK_FALSE(there.done());
      const Duration slept = co_await there;
      CHECK(slept == 24h);
      co_return 7;
    });
    CHECK(result == 7);
    CHECK(Loop::current_or_null() == nullptr);
    CHECK(world.now() - start == 24h);
  }

  TEST_CASE("posts and cancellations cross loops, failures come back") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      Simulation world(seed);
      Loop& other = world.add_loop("other");
      int posted = 0;
      other.post([&] { ++posted; });  // before it runs
      world.run([&]() -> Coro<> {
        Task<> sleeper = spawn(other, sleep_forever);
        Task<> failing = spawn(other, []() -> Coro<> {
          co_await yield_now();
          throw std::out_of_range("there");
        });
        other.post([&] { ++posted; });
        co_await sleep(1s);
        sleeper.cancel("enough");
        std::string failure;
        try {
          co_await failing;
        } catch (const std::out_of_range& error) {
          failure = error.what();
        }
        CHECK(failure == "there");
        std::string reason;
        try {
          co_await sleeper;
        } catch (const TaskCancelled& cancelled) {
          reason = cancelled.what();
        }
        CHECK(reason == "cancelled: enough");
        co_await yield_now();
        CHECK(posted == 2);
      });
    }
  }

  TEST_CASE("what main throws is thrown") {
    Simulation world(3);
    CHECK_THROWS_AS(world.run([]() -> Coro<int> {
      co_await yield_now();
      throw std::out_of_range("main");
    }),
                    std::out_of_range);
    CHECK(world.run([]() -> Coro<int> { co_return 5; }) == 5);  // the world goes on
  }

  TEST_CASE("the end of main cancels and joins what is left on all loops") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      int alive = 0;
      Simulation world(seed);
      Loop& other = world.add_loop("other");
      bool cleaned = false;
      world.run([&]() -> Coro<> {
        spawn(other, [witness = Witness(alive)]() -> Coro<> { co_await sleep_forever(); });
        spawn([&cleaned, witness = Witness(alive)]() -> Coro<> {
          bool cut = false;
          try {
            co_await sleep_forever();
          } catch (const Cancelled&) {
            cut = true;
          }
          if (cut) {
            auto cleanup = [&]() -> Coro<> {
              co_await sleep(1s);
              cleaned = true;
            };
            co_await shielded(2s, cleanup);
          }
        });
        co_await sleep(1ms);
      });
      CHECK(alive == 0);
      CHECK(cleaned);
      CHECK(other.task_count() == 0);
      CHECK(world.run([]() -> Coro<int> {  // and all of it can be used again
        co_await sleep(1s);
        co_return 1;
      }) == 1);
    }
  }

  TEST_CASE("what main has just spawned elsewhere, and posted, ends with it") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      int alive = 0;
      Simulation world(seed);
      Loop& other = world.add_loop("other");
      world.run([&]() -> Coro<> {
        spawn(other, [witness = Witness(alive)]() -> Coro<> { co_await sleep_forever(); });
        other.post([witness = Witness(alive)] {});
        co_return;
      });
      CHECK(alive == 0);
    }
  }

  TEST_CASE("a world that is dropped cancels what was spawned and never ran") {
    int alive = 0;
    {
      Simulation world;
      Loop& other = world.add_loop("other");
      spawn(other, [witness = Witness(alive)]() -> Coro<> { co_await sleep_forever(); });
      CHECK(alive == 1);
    }
    CHECK(alive == 0);
  }

  TEST_CASE("all tasks waiting for each other are a deadlock that says who waits where") {
    int alive = 0;
    for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{5}}) {
      Simulation world(seed);
      Loop& other = world.add_loop("server");
      const std::string text = stuck_message<Deadlock>([&] {
        world.run([&]() -> Coro<> {
          Witness witness(alive);
          auto [near, far] = memory_stream_pair();
          Task<> reader = spawn(
              other,
              [witness](MemoryStream stream) -> Coro<> {
                (co_await detail::this_task).set_name("reader");
                (void)co_await stream.recv();
              },
              std::move(far));
          (void)co_await near.recv();
        });
      });
      CHECK(
          text.starts_with("deadlock: nothing can happen any more (seed " + std::to_string(seed)));
      CHECK(text.find("\n  on loop 'main' task 'main' waits for recv at simulation_test.cpp:") !=
            std::string::npos);
      CHECK(
          text.find("\n  on loop 'server' task 'reader' waits for recv at simulation_test.cpp:") !=
          std::string::npos);
      CHECK(alive == 0);
      CHECK(world.run([]() -> Coro<int> { co_return 5; }) == 5);  // the world goes on
    }
  }

  TEST_CASE(
      "a deadlock is torn down through groups, shields and tasks that swallow cancellations") {
    int alive = 0;
    Simulation world(11);
    CHECK_THROWS_AS(world.run([&]() -> Coro<> {
      auto child = [&alive]() -> Coro<> {
        Witness witness(alive);
        try {
          co_await sleep_forever();
        } catch (const Cancelled&) {
        }
        auto wait = []() -> Coro<> { co_await sleep_forever(); };
        co_await shielded(1h, wait);
      };
      auto body = [&](TaskGroup& group) -> Coro<> {
        group.spawn(child());
        group.spawn(child());
        co_await sleep_forever();
      };
      co_await with_group(body);
    }),
                    Deadlock);
    CHECK(alive == 0);
  }

  TEST_CASE("one that shields itself for ever is torn down all the same") {
    Simulation world;
    CHECK_THROWS_AS(world.run([]() -> Coro<> {
      auto wait = []() -> Coro<> { co_await sleep_forever(); };
      co_await shielded(Duration::max(), wait);
    }),
                    Deadlock);
  }

  TEST_CASE("going round in circles runs into the limit of steps, ticking into that of time") {
    Simulation circles({.seed = 2, .step_limit = 1000});
    const std::string steps = stuck_message<Livelock>([&] {
      circles.run([]() -> Coro<> {
        for (;;) {
          co_await yield_now();
        }
      });
    });
    CHECK(steps.starts_with("the limit of steps is reached (seed 2, "));
    CHECK(steps.find("'main'") != std::string::npos);

    Simulation ticks({.time_limit = 1h});
    const std::string time = stuck_message<Livelock>([&] {
      ticks.run([]() -> Coro<> {
        for (;;) {
          co_await sleep(1min);
        }
      });
    });
    CHECK(time.starts_with("the limit of time is reached (seed 0, 36"));
  }

  TEST_CASE("a loop of a world can't be run by itself") {
    Simulation world;
    CHECK_THROWS_AS(world.loop().run_until_complete(sleep_for(1s)), std::logic_error);
  }

  TEST_CASE("a world may be used inside of another loop's step") {
    run_virtual([]() -> Coro<> {
      Loop* outer = Loop::current_or_null();
      Simulation world(1);
      CHECK(world.run([]() -> Coro<int> {
        co_await sleep(1s);
        co_return 4;
      }) == 4);
      CHECK(Loop::current_or_null() == outer);
      co_await yield_now();
    });
  }

  TEST_CASE("some order of two tasks shows a race, and its seed shows it again") {
    // A check and an act with a wait in between: right in FIFO order, wrong in another one.
    auto race = [](std::uint64_t seed) {
      Simulation world(seed);
      world.run([]() -> Coro<> {
        int tickets = 1;
        int sold = 0;
        auto buy = [&](int waits) -> Coro<> {
          for (int i = 0; i < waits; ++i) {
            co_await yield_now();
          }
          if (tickets > 0) {
            co_await yield_now();
            --tickets;
            ++sold;
          }
        };
        auto body = [&](TaskGroup& group) -> Coro<> {
          group.spawn(buy(0));
          group.spawn(buy(2));
          co_return;
        };
        co_await with_group(body);
        if (sold > 1) {
          throw std::runtime_error("sold twice");
        }
      });
    };
    race(0);
    std::uint64_t failing = 0;
    try {
      run_seeds(200, race);
    } catch (const SeedFailure& failure) {
      failing = failure.seed();
      CHECK(std::string(failure.what()) == "seed " + std::to_string(failing) +
                                               " fails (SIMUL_SEED=" + std::to_string(failing) +
                                               " replays it): sold twice");
    }
    REQUIRE(failing > 0);
    CHECK_THROWS_AS(race(failing), std::runtime_error);
  }
}

TEST_SUITE("run_seeds") {
  TEST_CASE("runs each seed once, the failure comes nested") {
    std::vector<std::uint64_t> seeds;
    run_seeds(3, [&](std::uint64_t seed) { seeds.push_back(seed); });
    CHECK(seeds == std::vector<std::uint64_t>{0, 1, 2});
    bool nested = false;
    try {
      run_seeds(9, [&](std::uint64_t seed) {
        if (seed == 4) {
          throw std::out_of_range("four");
        }
      });
    } catch (const SeedFailure& failure) {
      CHECK(failure.seed() == 4);
      try {
        std::rethrow_if_nested(failure);
      } catch (const std::out_of_range&) {
        nested = true;
      }
    }
    CHECK(nested);
  }

  TEST_CASE("SIMUL_SEED replays one") {
    std::vector<std::uint64_t> seeds;
    const auto note = [&](std::uint64_t seed) { seeds.push_back(seed); };
    setenv("SIMUL_SEED", "17", 1);
    run_seeds(3, note);
    setenv("SIMUL_SEED", "x7", 1);
    CHECK_THROWS_AS(run_seeds(3, note), std::invalid_argument);
    unsetenv("SIMUL_SEED");
    CHECK(seeds == std::vector<std::uint64_t>{17});
  }
}
