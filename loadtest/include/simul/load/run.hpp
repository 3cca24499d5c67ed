// Runs a load test: opens the connections, keeps messages in flight on them, verifies every reply.
//
//   Report report = run(options);                    // makes its own loops and threads
//   Report report = co_await run_here(options);      // on the current loop, next to other tasks
//
// First every connection is opened and makes one verified round trip; it then waits until all others
// have, so that the load begins with all of them open. No more than a hundred are ever waiting to be
// accepted, so no accept queue overflows. A connection that is lost counts as an error and is opened
// again, after a pause that grows up to two seconds.
//
// It is a closed loop: a new message goes out when a reply has come, so a slow server gets less load.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include <simul/clock.hpp>
#include <simul/coro.hpp>
#include <simul/load/options.hpp>
#include <simul/load/report.hpp>
#include <simul/signals.hpp>

namespace simul::load {

/// The test can't begin; what() says why and what would help.
class CannotStart : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The state of a running test.
struct Progress {
  enum class Phase : std::uint8_t { opening, warming_up, measuring, draining };

  Phase phase = Phase::opening;
  Duration elapsed{};          ///< in this phase
  std::size_t open = 0;        ///< connections
  std::uint64_t messages = 0;  ///< verified replies that were measured
  double rate = 0;             ///< of the last interval, per second
  std::uint64_t errors = 0;    ///< so far
  std::uint64_t p99 = 0;       ///< so far, nanoseconds; 0 before anything was measured
};

/// Told about twice a second what is going on. Thread: that of the first loop.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void progress(const Progress& progress) = 0;
};

/// `interrupt`: a signal ends the test early; what was measured until then is reported.
/// Throws CannotStart, std::system_error.
[[nodiscard]] Report run(const Options& options, Observer* observer = nullptr,
                         SignalSet* interrupt = nullptr);

/// On the current loop only, whatever `threads` says. Cancel safety: safe, all connections are closed.
[[nodiscard]] Coro<Report> run_here(Options options, Observer* observer = nullptr);

/// Raises the limit of open descriptors so far that `connections` fit. Throws CannotStart.
void make_room_for(std::size_t connections);

}  // namespace simul::load
