#include <simul/load/histogram.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <doctest/doctest.h>

namespace {

using simul::load::Histogram;

double relative_error(std::uint64_t found, std::uint64_t truth) {
  return std::abs(static_cast<double>(found) - static_cast<double>(truth)) /
         static_cast<double>(truth);
}

/// Of sorted values, by definition.
std::uint64_t true_percentile(const std::vector<std::uint64_t>& sorted, std::size_t per_mille) {
  const std::size_t rank = (sorted.size() * per_mille + 999) / 1000;
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

TEST_CASE("a percentile is within the stated precision over the whole range of values") {
  for (unsigned exponent = 0; exponent < 64; ++exponent) {
    for (const double factor : {1.0, 1.001, 1.37, 1.499, 1.5, 1.83, 1.9999}) {
      const auto value = static_cast<std::uint64_t>(std::ldexp(factor, static_cast<int>(exponent)));
      Histogram histogram;
      histogram.record(1);  // so that neither end of the range is what is asked for
      histogram.record(value);
      histogram.record(std::numeric_limits<std::uint64_t>::max());
      CAPTURE(value);
      CHECK(relative_error(histogram.percentile(50), value) <= Histogram::kPrecision);
    }
  }
}

TEST_CASE("small values are exact") {
  for (std::uint64_t value = 1; value < 1024; ++value) {
    Histogram histogram;
    histogram.record(0);
    histogram.record(value);
    histogram.record(1'000'000);
    CHECK(histogram.percentile(50) == value);
  }
}

TEST_CASE("percentiles of many values match sorting them") {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> latencies(13, 1.5);
  std::vector<std::uint64_t> values;
  Histogram histogram;
  for (int i = 0; i < 100'000; ++i) {
    values.push_back(static_cast<std::uint64_t>(latencies(random)) + 1);
    histogram.record(values.back());
  }
  std::ranges::sort(values);
  for (const std::size_t per_mille : {1, 10, 250, 500, 900, 990, 999}) {
    CAPTURE(per_mille);
    CHECK(relative_error(histogram.percentile(static_cast<double>(per_mille) / 10),
                         true_percentile(values, per_mille)) <= Histogram::kPrecision);
  }
}

TEST_CASE("merging gives what recording everything in one would have given") {
  std::mt19937_64 random(11);
  Histogram all;
  Histogram merged;
  for (int part = 0; part < 5; ++part) {
    Histogram one;
    for (int i = 0; i < 1000; ++i) {
      const std::uint64_t value = random() >> (random() % 60);
      one.record(value);
      all.record(value);
    }
    merged.merge(one);
  }
  CHECK(merged.count() == all.count());
  CHECK(merged.min() == all.min());
  CHECK(merged.max() == all.max());
  CHECK(merged.mean() == doctest::Approx(all.mean()));
  for (double percent = 0; percent <= 100; percent += 0.1) {
    CHECK(merged.percentile(percent) == all.percentile(percent));
  }
}

TEST_CASE("an empty histogram has nothing but zeros") {
  const Histogram empty;
  CHECK(empty.count() == 0);
  CHECK(empty.min() == 0);
  CHECK(empty.max() == 0);
  CHECK(empty.mean() == 0);
  CHECK(empty.percentile(99) == 0);

  Histogram other;
  other.record(5);
  other.merge(empty);
  CHECK(other.count() == 1);
  CHECK(other.min() == 5);
}

TEST_CASE("the ends are exact") {
  Histogram histogram;
  histogram.record(123'456'789);
  histogram.record(987'654'321);
  CHECK(histogram.percentile(0) == 123'456'789);
  CHECK(histogram.percentile(100) == 987'654'321);
  CHECK(histogram.percentile(99.9) == 987'654'321);
}

TEST_CASE("a single value is every percentile") {
  Histogram histogram;
  histogram.record(1'234'567);
  for (const double percent : {0.0, 0.1, 50.0, 99.9, 100.0}) {
    CHECK(histogram.percentile(percent) == 1'234'567);
  }
}

TEST_CASE("99.9 percent of a thousand values leave exactly one out") {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 1000; ++value) {
    histogram.record(value);
  }
  CHECK(histogram.percentile(99.9) == 999);
  CHECK(histogram.percentile(99.91) == 1000);
  CHECK(histogram.percentile(50) == 500);
  CHECK(histogram.percentile(0.1) == 1);
}

}  // namespace
