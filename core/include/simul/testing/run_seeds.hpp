// run_seeds: runs a program once per seed, and says with which seed it failed.
//
//   run_seeds(200, [](std::uint64_t seed) {
//     Simulation world(seed);
//     world.run(program());                  // a failure is an exception
//   });
//
// The environment variable SIMUL_SEED replays one seed instead: SIMUL_SEED=17 ./test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>

#include <simul/export.hpp>

namespace simul {

/// A program has thrown. The exception itself is nested (std::rethrow_if_nested).
class SIMUL_EXPORT SeedFailure : public std::runtime_error {
 public:
  SeedFailure(std::uint64_t seed, const std::string& what);
  ~SeedFailure() override;
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }

 private:
  std::uint64_t seed_;
};

/// Runs `program` with the seeds 0 to `count` - 1, or with that of SIMUL_SEED only. Throws SeedFailure
/// at the first one with which it throws, and std::invalid_argument if SIMUL_SEED is no number.
SIMUL_EXPORT void run_seeds(std::size_t count,
                            const std::function<void(std::uint64_t seed)>& program);

}  // namespace simul
