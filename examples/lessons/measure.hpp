// What the measuring lessons share: a stopwatch, percentiles, readable numbers, room for descriptors, --full.
//
//   const Stopwatch watch;
//   work();
//   std::printf("%s rounds in %.2f s\n", with_commas(rounds).c_str(), watch.seconds());
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// 26999999 -> "26,999,999". Not for negative numbers.
inline std::string with_commas(long number) {
  std::string digits = std::to_string(number);
  for (int place = static_cast<int>(digits.size()) - 3; place > 0; place -= 3) {
    digits.insert(static_cast<std::size_t>(place), 1, ',');
  }
  return digits;
}

/// The value below which the share `p` of them lies. There is at least one.
inline double percentile(std::vector<double> values, double p) {
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(p * static_cast<double>(values.size() - 1))];
}

inline double median(std::vector<double> values) { return percentile(std::move(values), 0.5); }

/// A process may have few descriptors open at first, but allow itself more, up to a limit that root sets.
inline void allow_connections(int number) {
  const rlim_t needed = static_cast<rlim_t>(number) + 64;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < needed) {
    throw std::runtime_error(with_commas(number) + " connections need " +
                             with_commas(static_cast<long>(needed)) +
                             " descriptors; here a process may have " +
                             with_commas(static_cast<long>(limit.rlim_max)) + " (ulimit -Hn)");
  }
  limit.rlim_cur = std::max(limit.rlim_cur, needed);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Was --full given? Nothing else may be.
inline bool full_wanted(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) != "--full") {
      throw std::invalid_argument(std::string(argv[i]) + ": the only option is --full");
    }
  }
  return argc > 1;
}
