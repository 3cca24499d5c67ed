#include <simul/watchdog.hpp>

#include <mutex>
#include <stdexcept>
#include <utility>

#include "debug_mode.hpp"
#include "watchdog_thread.hpp"

namespace simul {
namespace detail {
namespace {

/// Who watches.
struct Post {
  std::mutex mutex;
  bool taken = false;
  bool debug_mode_done = false;
  std::unique_ptr<WatchdogThread> automatic;
};

Post& post() {
  static auto* const only = new Post;  // an automatic one watches to the very end
  return *only;
}

std::unique_ptr<WatchdogThread> take_post(Duration threshold) {
  if (threshold < std::chrono::milliseconds(1)) {
    throw std::invalid_argument("a stall_threshold below 1 ms");
  }
  const std::lock_guard lock(post().mutex);
  if (post().taken) {
    throw std::logic_error("there is a Watchdog already, and it watches all loops of the process");
  }
  post().automatic.reset();
  auto thread = std::make_unique<WatchdogThread>(threshold);
  post().taken = true;
  return thread;
}

}  // namespace

void watch_in_debug_mode() {
  if (!debug_mode()) [[likely]] {
    return;
  }
  const std::lock_guard lock(post().mutex);
  if (!std::exchange(post().debug_mode_done, true) && !post().taken) {
    post().automatic = std::make_unique<WatchdogThread>(WatchdogOptions().stall_threshold);
  }
}

}  // namespace detail

Watchdog::Watchdog(WatchdogOptions options) : thread_(detail::take_post(options.stall_threshold)) {}

Watchdog::~Watchdog() {
  const std::lock_guard lock(detail::post().mutex);
  thread_.reset();
  detail::post().taken = false;
}

std::uint64_t Watchdog::stalls() const noexcept { return thread_->stalls(); }
Duration Watchdog::longest() const noexcept { return thread_->longest(); }

}  // namespace simul
