// StallProbe: what a loop's thread does at this moment, in its own words: it is interrupted by a signal, and the
// handler writes down the stack and the chain of coroutines. One per process.
//
//   StallProbe probe;                                      // installs the handler
//   if (const StallReport* report = probe.ask(glimpse)) ...   // null: the thread doesn't answer
//
// The signal is SIGURG: it is ignored by default, so that one that comes too late harms nobody; debuggers let it
// pass; and what it is meant for, out-of-band data, nobody uses. System calls go on after it, except those that
// the kernel never restarts (poll, nanosleep): these give EINTR, as they may at any time.
#pragma once

#include <array>
#include <csignal>
#include <cstddef>
#include <source_location>
#include <span>
#include <string_view>

#include "native_backtrace.hpp"
#include "running_loops.hpp"

namespace simul::detail {

struct StallReport {
  NativeStack stack;
  bool in_task = false;         ///< or in a callback
  std::array<char, 80> name{};  ///< of the task; cut off if it is longer
  std::size_t name_size = 0;
  std::array<std::source_location, 20> awaits{};  ///< of its coroutines, innermost first
  std::size_t await_count = 0;

  [[nodiscard]] std::string_view task_name() const noexcept { return {name.data(), name_size}; }
  [[nodiscard]] std::span<const std::source_location> await_sites() const noexcept {
    return std::span(awaits).first(await_count);
  }
};

class StallProbe {
 public:
  static constexpr int kSignal = SIGURG;

  StallProbe();
  /// Restores what was there before, unless somebody has installed another handler meanwhile.
  ~StallProbe();
  StallProbe(const StallProbe&) = delete;
  StallProbe& operator=(const StallProbe&) = delete;

  enum class Answer : std::uint8_t {
    here,  ///< `report()` says what the step does
    over,  ///< the step has ended
    none   ///< the thread doesn't answer: it blocks the signal, or the kernel doesn't let it go
  };
  /// Waits for the answer for 50 ms at most. Thread: the watchdog's.
  [[nodiscard]] Answer ask(const RunningLoops::Glimpse& step);
  /// Of the last answer.
  [[nodiscard]] const StallReport& report() const noexcept;
};

}  // namespace simul::detail
