// LogThrottle: lets a kind of log line through a few times a second and counts the others, so that
// a million failing connections don't become a million lines.
//
//   if (throttle.admit(loop.now())) {
//     log(LogLevel::warning, message + throttle.take_suppressed());
//   }
//
// One per kind of line and loop: it isn't made for several threads.
#pragma once

#include <cstdint>
#include <string>

#include <simul/clock.hpp>

namespace simul::server {

class LogThrottle {
 public:
  static constexpr std::uint32_t kLinesPerSecond = 5;

  /// May a line be written now?
  [[nodiscard]] bool admit(TimePoint now) noexcept;
  /// " (and 12 more like it)" for the lines that were left out since the last one, or nothing.
  [[nodiscard]] std::string take_suppressed();

 private:
  TimePoint window_start_ = TimePoint::min();
  std::uint32_t written_ = 0;
  std::uint64_t suppressed_ = 0;
};

}  // namespace simul::server
