// What the measuring lessons share: a stopwatch, percentiles, readable numbers, room for descriptors,
// and what to say when nothing was gained.
//
//   const Stopwatch watch;
//   work();
//   std::printf("%s rounds in %.2f s\n", with_commas(rounds).c_str(), watch.seconds());
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <stdexcept>
#include <string>
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

/// Says why computing in parallel has hardly gained anything, if so. `share`: of the time without.
inline void explain_lack_of_gain(double share, std::size_t processors) {
  if (share > 0.75) {
    std::puts(processors < 2 ? "  (No gain: one processor can't be shared out.)"
                             : "  (Hardly any gain: other programs keep the processors busy, or "
                               "there is too little to do. Try again.)");
  }
}
