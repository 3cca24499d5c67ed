// Watchdog: reports a step of a task that runs so long that it holds up its event loop, while it runs.
//
//   int main() {
//     Watchdog watchdog;                 // a thread that looks at all loops of the process
//     run(program());
//   }
//
//   simul: warning: stall 1: task 'report' has held up its event loop for 104 ms: it waits for a file (fsync of
//   /srv/journal); to_thread() is the place for that
//   simul: warning: stall 1: it went on at report.cpp:41, called from main.cpp:12
//   simul: warning: stall 1:   write_journal(Journal&) at journal.cpp:88
//   simul: warning: stall 1: went on after about 523 ms
//
// It looks only while a loop works, and costs the loops nothing. It doesn't end a step that hangs: nobody can.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include <simul/clock.hpp>
#include <simul/export.hpp>

namespace simul {

namespace detail {
class WatchdogThread;
}

struct WatchdogOptions {
  /// A step that lasts longer is reported; at the latest a quarter of this time later. At least 1 ms.
  Duration stall_threshold = std::chrono::milliseconds(100);
};

/// To learn what a loop does it interrupts the loop's thread with SIGURG, once per report; a handler that was
/// installed before gets those that others send.
class SIMUL_EXPORT Watchdog {
 public:
  /// Throws std::logic_error if there is one already, std::invalid_argument for a threshold below 1 ms.
  explicit Watchdog(WatchdogOptions options = {});
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// How many it has seen, and the length of the longest; one that goes on counts as long as it was when it was
  /// seen. Thread: any.
  [[nodiscard]] std::uint64_t stalls() const noexcept;
  [[nodiscard]] Duration longest() const noexcept;

 private:
  std::unique_ptr<detail::WatchdogThread> thread_;
};

}  // namespace simul
