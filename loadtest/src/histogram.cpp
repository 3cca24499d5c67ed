#include <simul/load/histogram.hpp>

#include <cmath>

namespace simul::load {

void Histogram::grow(std::size_t bucket) {
  // By whole octaves, so that a slowly growing maximum doesn't reallocate each time.
  counts_.resize((bucket / kPerOctave + 1) * kPerOctave);
}

std::uint64_t Histogram::middle_of(std::size_t bucket) noexcept {
  const std::size_t shift = bucket < 2 * kPerOctave ? 0 : bucket / kPerOctave - 1;
  const std::uint64_t lowest = static_cast<std::uint64_t>(bucket - shift * kPerOctave) << shift;
  return lowest + ((std::uint64_t{1} << shift) >> 1);
}

void Histogram::merge(const Histogram& other) {
  if (other.counts_.size() > counts_.size()) {
    counts_.resize(other.counts_.size());
  }
  for (std::size_t bucket = 0; bucket < other.counts_.size(); ++bucket) {
    counts_[bucket] += other.counts_[bucket];
  }
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

std::uint64_t Histogram::percentile(double percent) const {
  if (count_ == 0) {
    return 0;
  }
  // 99.9 % of 1000 is 999 values, though 0.999 * 1000 may come out a little above.
  const double exact = percent / 100 * static_cast<double>(count_);
  const double rank = std::ceil(exact * (1 - 1e-12));
  if (rank <= 1 && percent <= 0) {
    return min_;
  }
  if (rank >= static_cast<double>(count_)) {
    return max_;
  }
  const auto wanted = static_cast<std::uint64_t>(std::max(rank, 1.0));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
    seen += counts_[bucket];
    if (seen >= wanted) {
      return std::clamp(middle_of(bucket), min_, max_);
    }
  }
  return max_;
}

}  // namespace simul::load
