// Simulation: a small world for a program under test: loops that share one thread, time that jumps, a
// network in memory, and an order of events that follows from a seed.
//
//   Simulation world(seed);                            // 0: first in, first out, and a kind network
//   Loop& server = world.add_loop("server");
//   world.run([&]() -> Coro<> {
//     spawn(server, serve_forever, address);           // open_listener(address)
//     auto peer = co_await open_connection(address);
//     ...
//   });
//
// The same seed gives the same run, step by step. Another seed lets loops and ready tasks take their
// turns in another order, and the connections suffer from Chaos. So run a program with many seeds (see
// run_seeds); the seed of a failure replays it.
//
// The world is closed: no other thread and no descriptor of the kernel can wake anything in it. So when
// nothing is ready and no timer is armed nothing will ever happen again: that is a Deadlock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <simul/cancelled.hpp>
#include <simul/clock.hpp>
#include <simul/coro.hpp>
#include <simul/detail/outcome.hpp>
#include <simul/export.hpp>
#include <simul/loop.hpp>
#include <simul/testing/chaos.hpp>
#include <simul/testing/seeded_random.hpp>

namespace simul {

/// A run that can't come to its end. what() says why, with which seed, and what every task waits for.
class SIMUL_EXPORT SimulationStuck : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  ~SimulationStuck() override;
};

/// All tasks wait, and nothing is left that could wake one.
class SIMUL_EXPORT Deadlock : public SimulationStuck {
 public:
  using SimulationStuck::SimulationStuck;
  ~Deadlock() override;
};

/// The limit of steps or of time has passed: perhaps it goes round in circles.
class SIMUL_EXPORT Livelock : public SimulationStuck {
 public:
  using SimulationStuck::SimulationStuck;
  ~Livelock() override;
};

struct SimulationOptions {
  /// Of the order of events, and of the network's chaos. 0: first in, first out, and no chaos.
  std::uint64_t seed = 0;
  /// What the connections suffer, if the seed isn't 0. The seed in it doesn't count: each connection
  /// gets its own.
  Chaos chaos{};
  /// For each run.
  std::uint64_t step_limit = 10'000'000;
  Duration time_limit = Duration::max();
};

class SIMUL_EXPORT Simulation {
 public:
  explicit Simulation(const SimulationOptions& options);
  explicit Simulation(std::uint64_t seed = 0) : Simulation(SimulationOptions{.seed = seed}) {}
  /// Cancels and joins what is left.
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  /// The loop on which run() runs its main.
  [[nodiscard]] Loop& loop() noexcept;
  /// Another one, as if on a thread of its own. spawn(loop, ...) and loop.post() reach it. The name is
  /// for reports.
  Loop& add_loop(std::string name);

  /// Runs `main` on loop() until it has ended, then cancels and joins everything that lives on any of
  /// the loops; gives or throws what `main` did. Throws Deadlock or Livelock if it doesn't come to its
  /// end; everything is cancelled and joined then, too.
  template <typename T>
  T run(Coro<T> main);
  template <typename Fn>
    requires detail::CoroFunction<Fn>
  detail::CoroValue<Fn> run(Fn main) {
    return run(detail::call_kept<Fn>(std::move(main)));
  }

  [[nodiscard]] std::uint64_t seed() const noexcept;
  [[nodiscard]] TimePoint now() const noexcept;
  /// So far, on all loops.
  [[nodiscard]] std::uint64_t steps() const noexcept;
  /// For the choices of the program under test: they follow from the seed as well.
  [[nodiscard]] SeededRandom& random() noexcept;
  /// Of what happened so far: which loop made how many steps, when, in which order. Two runs of the same
  /// program with the same seed that differ in it depend on something outside of the world.
  [[nodiscard]] std::uint64_t fingerprint() const noexcept;

 private:
  class World;

  void run_main(Coro<> main);

  template <typename T>
  static Coro<> keep_outcome(Coro<T> main, detail::Outcome<T>& outcome);

  std::unique_ptr<World> world_;
};

template <typename T>
T Simulation::run(Coro<T> main) {
  detail::Outcome<T> outcome;
  run_main(keep_outcome(std::move(main), outcome));
  if constexpr (std::is_void_v<T>) {
    outcome.get();
  } else {
    return static_cast<T&&>(outcome.get());
  }
}

template <typename T>
Coro<> Simulation::keep_outcome(Coro<T> main, detail::Outcome<T>& outcome) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(main);
    } else {
      outcome.set_value(co_await std::move(main));
    }
  } catch (const Cancelled& cancelled) {
    outcome.set_exception(
        std::make_exception_ptr(TaskCancelled("cancelled: " + cancelled.reason())));
  } catch (...) {
    outcome.set_exception(std::current_exception());
  }
}

}  // namespace simul
