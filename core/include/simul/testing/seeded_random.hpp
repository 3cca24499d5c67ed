// SeededRandom: numbers that look random and follow from their seed, the same on every machine (what the
// distributions of <random> give is up to the library).
//
//   SeededRandom random(17);
//   if (random.one_in(10)) { ... random.below(6) ... }
//
// It is splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
// Not for secrets.
#pragma once

#include <cstdint>

namespace simul {

class SeededRandom {
 public:
  explicit constexpr SeededRandom(std::uint64_t seed) noexcept : state_(seed) {}

  constexpr std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// A number from 0 up to, but not including, `limit`, which isn't 0.
  constexpr std::uint64_t below(std::uint64_t limit) noexcept { return next() % limit; }
  /// True once in `n` times, never if that is 0.
  constexpr bool one_in(unsigned n) noexcept { return n != 0 && below(n) == 0; }

 private:
  std::uint64_t state_;
};

}  // namespace simul
