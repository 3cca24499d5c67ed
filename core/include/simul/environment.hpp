// Environment: the world as a loop sees it. The default one is the real world; tests give a loop
// another (see <simul/testing.hpp>), so that time passes only when nothing else is left to do, and so
// that open_connection() and open_listener() reach a simulated network.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <system_error>

#include <simul/clock.hpp>
#include <simul/export.hpp>

namespace simul {

template <typename T>
class Coro;
class Endpoint;
class Listener;
class Stream;
struct ConnectOptions;
struct ListenOptions;

class SIMUL_EXPORT Environment {
 public:
  virtual ~Environment();

  /// The time. Never goes backwards.
  virtual TimePoint now() noexcept = 0;

  /// Does time pass only when the loop says so? Then, with nothing ready, the loop calls
  /// skip_to(the next deadline) instead of sleeping; kNever if there is none.
  [[nodiscard]] virtual bool virtual_time() const noexcept { return false; }
  virtual void skip_to(TimePoint) {}

  /// Does it choose which of the tasks that are ready goes first? Then pick() is called before each
  /// step and gives a number below `ready`: 0 is the one that has waited longest.
  [[nodiscard]] virtual bool picks() const noexcept { return false; }
  virtual std::size_t pick(std::size_t /*ready*/) { return 0; }

  /// Are there other threads? If not a job of to_thread() runs on the loop's, in a turn of its own.
  [[nodiscard]] virtual bool has_threads() const noexcept { return true; }

  /// What open_connection() and open_listener() do, and promise. Here: sockets of the kernel.
  virtual Coro<std::expected<std::unique_ptr<Stream>, std::error_code>> connect(
      Endpoint endpoint, ConnectOptions options);
  virtual std::unique_ptr<Listener> listen(const Endpoint& endpoint, const ListenOptions& options);

  /// CLOCK_MONOTONIC, which can't be skipped.
  static Environment& real() noexcept;
};

}  // namespace simul
