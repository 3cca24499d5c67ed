// PythonRandom: the numbers of Python's `random` module, bit for bit, for the same seed.
//
//   PythonRandom random(42);              // random.seed(42)
//   double first = random.random();       // 0.6394267984578837
//   double other = random.gauss(0, 1);
//
// The Mersenne Twister itself is the standard library's; what Python adds is how it spreads a seed over the
// state and what it makes of 32 bits. Not for secrets, and not for several threads.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <optional>
#include <random>
#include <utility>

class PythonRandom {
 public:
  /// random.seed(seed), for a seed that isn't negative.
  explicit PythonRandom(std::uint64_t seed) {
    SeedSequence sequence(seed);
    engine_.seed(sequence);
  }

  /// Uniform in [0, 1), with all 53 bits that a double has.
  double random() {
    const std::uint64_t high = engine_() >> 5;
    const std::uint64_t low = engine_() >> 6;
    return static_cast<double>(high << 26 | low) * 0x1p-53;
  }

  /// Normally distributed. The numbers come in pairs: every other call gives the second of one.
  double gauss(double mu = 0, double sigma = 1) {
    double z = 0;
    if (next_gauss_) {
      z = *std::exchange(next_gauss_, std::nullopt);
    } else {
      const double angle = random() * (2 * std::numbers::pi);
      const double radius = std::sqrt(-2.0 * std::log(1.0 - random()));
      z = std::cos(angle) * radius;
      next_gauss_ = std::sin(angle) * radius;
    }
    return mu + z * sigma;
  }

 private:
  /// init_by_array() of the Twister's authors, which Python uses: the seed is its key, 32 bits a word.
  class SeedSequence {
   public:
    using result_type = std::uint32_t;

    explicit SeedSequence(std::uint64_t seed)
        : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
          length_(key_[1] != 0 ? 2 : 1) {}

    /// The engine calls this for its 624 words.
    template <typename Iterator>
    void generate(Iterator state, Iterator end) const {
      const auto size = static_cast<std::uint32_t>(end - state);
      std::uint32_t previous = 19650218;
      state[0] = previous;
      for (std::uint32_t i = 1; i < size; ++i) {
        state[i] = previous = 1812433253U * (previous ^ previous >> 30) + i;
      }

      std::uint32_t i = 1;
      const auto mixed = [&](std::uint32_t factor) {
        const auto before = static_cast<std::uint32_t>(state[i - 1]);
        return static_cast<std::uint32_t>(state[i]) ^ (before ^ before >> 30) * factor;
      };
      const auto advance = [&] {
        if (++i == size) {
          state[0] = state[size - 1];
          i = 1;
        }
      };
      for (std::uint32_t round = 0; round < size; ++round) {
        const std::uint32_t j = round % length_;
        state[i] = mixed(1664525) + key_[j] + j;
        advance();
      }
      for (std::uint32_t round = 1; round < size; ++round) {
        state[i] = mixed(1566083941) - i;
        advance();
      }
      state[0] = 0x80000000;
    }

   private:
    std::array<std::uint32_t, 2> key_;
    std::uint32_t length_;
  };

  std::mt19937 engine_;
  std::optional<double> next_gauss_;
};
