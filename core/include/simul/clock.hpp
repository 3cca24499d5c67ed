// Time as a loop sees it: nanoseconds of a monotonic clock (CLOCK_MONOTONIC, or a virtual clock in
// tests). It has no relation to the calendar.
#pragma once

#include <chrono>

namespace simul {

using Duration = std::chrono::nanoseconds;

struct Clock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Clock>;
  static constexpr bool is_steady = true;
};

using TimePoint = Clock::time_point;

inline constexpr TimePoint kNever = TimePoint::max();

/// `start + wait`, or kNever where that would overflow; a negative wait counts as none.
constexpr TimePoint time_after(TimePoint start, Duration wait) noexcept {
  if (wait <= Duration::zero()) {
    return start;
  }
  return wait >= kNever - start ? kNever : start + wait;
}

}  // namespace simul
