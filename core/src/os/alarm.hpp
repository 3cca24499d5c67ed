// The kernel timer of a loop: a timerfd, which fires within tens of microseconds of its time
// (uv_timer_t counts in milliseconds).
#pragma once

#include <simul/clock.hpp>

namespace simul::os {

class Alarm {
 public:
  /// Throws std::system_error.
  Alarm();
  ~Alarm();
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  /// Makes fd() readable at `time` (CLOCK_MONOTONIC), never for kNever, and not readable before.
  void set(TimePoint time) noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

}  // namespace simul::os
