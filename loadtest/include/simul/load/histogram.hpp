// Histogram: counts of values (nanoseconds, here) in buckets whose width grows with the value, so that
// every percentile is within 0.1 % of the truth, from 1 ns to centuries, in some tens of kilobytes.
//
//   Histogram latency;
//   latency.record(nanoseconds);
//   std::uint64_t p99 = latency.percentile(99);
//
// Values below 1024 have a bucket each; above, every power of two is divided into 512. Adding two
// histograms gives exactly what recording everything in one would have given. It keeps no order and
// no time: a histogram per interval does that.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace simul::load {

class Histogram {
 public:
  /// Of any percentile, relative to its true value.
  static constexpr double kPrecision = 1.0 / 1024;

  void record(std::uint64_t value) {
    const std::size_t bucket = bucket_of(value);
    if (bucket >= counts_.size()) [[unlikely]] {
      grow(bucket);
    }
    ++counts_[bucket];
    ++count_;
    sum_ += static_cast<double>(value);
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
  }

  void merge(const Histogram& other);

  /// The smallest recorded value that at least `percent` of all values don't exceed; exact for 0
  /// (the smallest) and 100 (the largest). 0 if nothing was recorded.
  [[nodiscard]] std::uint64_t percentile(double percent) const;

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t min() const noexcept { return count_ == 0 ? 0 : min_; }
  [[nodiscard]] std::uint64_t max() const noexcept { return max_; }
  [[nodiscard]] double mean() const noexcept {
    return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
  }

 private:
  static constexpr unsigned kLinearBits = 10;  // below 2^10 buckets are 1 wide
  static constexpr std::size_t kPerOctave = std::size_t{1} << (kLinearBits - 1);

  static unsigned shift_of(std::uint64_t value) noexcept {
    const auto width = static_cast<unsigned>(std::bit_width(value));
    return width > kLinearBits ? width - kLinearBits : 0;
  }
  static std::size_t bucket_of(std::uint64_t value) noexcept {
    const unsigned shift = shift_of(value);
    return shift * kPerOctave + static_cast<std::size_t>(value >> shift);
  }
  static std::uint64_t middle_of(std::size_t bucket) noexcept;
  void grow(std::size_t bucket);

  std::vector<std::uint64_t> counts_;  // as long as the largest value so far needs
  std::uint64_t count_ = 0;
  std::uint64_t min_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace simul::load
