// The thread of a Watchdog: it looks at all loops, a few times in each `stall_threshold`, and takes a step that
// it meets again and again for a stall. While all loops wait it sleeps until one of them has work.
//
//   WatchdogThread thread(100ms);   // looks until it is destroyed
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <simul/clock.hpp>

#include "running_loops.hpp"
#include "stall_probe.hpp"
#include "stall_reporter.hpp"

namespace simul::detail {

class WatchdogThread {
 public:
  explicit WatchdogThread(Duration threshold);
  ~WatchdogThread();
  WatchdogThread(const WatchdogThread&) = delete;
  WatchdogThread& operator=(const WatchdogThread&) = delete;

  /// Is this process a fork of the one that made it?
  [[nodiscard]] bool is_of_parent() const noexcept { return ::getpid() != owner_; }
  [[nodiscard]] std::uint64_t stalls() const noexcept {
    return stalls_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] Duration longest() const noexcept {
    return longest_.load(std::memory_order_relaxed);
  }

 private:
  /// A step, or a wait, in which a loop was met.
  struct Sighting {
    RunningLoops::Glimpse what;
    TimePoint since;
    Duration processor_time{0};  // of its thread, at that time
    std::uint64_t stall = 0;     // its number, once it is one
    bool written = false;
  };

  void watch();
  bool look();
  void begin_stall(Sighting& sighting, TimePoint now);
  void end_stall(const Sighting& sighting, TimePoint now);
  void count_length(Duration length);
  [[nodiscard]] bool may_write(TimePoint now);
  [[nodiscard]] Duration next_nap(TimePoint now) const;

  const pid_t owner_ = ::getpid();
  const Duration threshold_;
  RunningLoops& loops_;
  StallProbe probe_;
  StallReporter reporter_;
  std::vector<Sighting> sightings_;  // of each loop that runs
  double allowed_ = 0;               // reports that may be written now
  TimePoint allowed_at_;
  std::uint64_t unwritten_ = 0;
  std::atomic<std::uint64_t> stalls_{0};
  std::atomic<Duration> longest_{Duration::zero()};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

/// In debug mode the first loop that runs starts one with the default threshold, unless there is one. It goes
/// when the program makes its own.
void watch_in_debug_mode();

/// If somebody watches.
[[nodiscard]] std::optional<std::uint64_t> stalls_so_far();

}  // namespace simul::detail
