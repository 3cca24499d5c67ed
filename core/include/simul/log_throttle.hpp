// LogThrottle: lets a kind of log line through a few times a second and counts the others, so that
// a million failing connections don't become a million lines.
//
//   throttle.log(loop.now(), LogLevel::warning, [&] { return describe(connection) + " failed"; });
//
// One per kind of line and loop: it isn't made for several threads.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <utility>

#include <simul/clock.hpp>
#include <simul/export.hpp>
#include <simul/log.hpp>

namespace simul {

class SIMUL_EXPORT LogThrottle {
 public:
  static constexpr std::uint32_t kLinesPerSecond = 5;

  /// Writes the line that `make_text` gives, if one may be written now. Without memory for it nothing is
  /// written: what is reported must not do more harm than it has done.
  template <typename MakeText>
  void log(TimePoint now, LogLevel level, MakeText&& make_text) noexcept {
    if (!admit(now)) {
      return;
    }
    try {
      simul::log(level, std::forward<MakeText>(make_text)() + take_suppressed());
    } catch (const std::exception&) {
      ++suppressed_;
    }
  }

  /// May a line be written now?
  [[nodiscard]] bool admit(TimePoint now) noexcept;
  /// " (and 12 more like it)" for the lines that were left out since the last one, or nothing.
  [[nodiscard]] std::string take_suppressed();

 private:
  TimePoint window_start_ = TimePoint::min();
  std::uint32_t written_ = 0;
  std::uint64_t suppressed_ = 0;
};

}  // namespace simul
