#include <simul/watchdog.hpp>

#include <mutex>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "debug_mode.hpp"
#include "native_backtrace.hpp"
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
  const WatchdogThread* current = nullptr;
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
  post().current = thread.get();
  return thread;
}

}  // namespace

std::optional<std::uint64_t> stalls_so_far() {
  const std::lock_guard lock(post().mutex);
  return post().current != nullptr ? std::optional(post().current->stalls()) : std::nullopt;
}

void watch_in_debug_mode() {
  if (!debug_mode()) [[likely]] {
    return;
  }
  const std::lock_guard lock(post().mutex);
  if (std::exchange(post().debug_mode_done, true)) {
    return;
  }
  // Reading debug information takes long the first time: a loop that does so later would be reported.
  NativeStack stack;
  stack.collect();
  static_cast<void>(frames_of(stack.pcs()));
  if (!post().taken) {
    post().automatic = std::make_unique<WatchdogThread>(WatchdogOptions().stall_threshold);
    post().current = post().automatic.get();
  }
}

}  // namespace detail

Watchdog::Watchdog(WatchdogOptions options) : thread_(detail::take_post(options.stall_threshold)) {}

Watchdog::~Watchdog() {
  const std::lock_guard lock(detail::post().mutex);
  detail::post().current = nullptr;
  if (thread_->is_of_parent()) {
    std::ignore =
        thread_.release();  // a fork has no such thread; what it used may be locked for ever
  } else {
    thread_.reset();
  }
  detail::post().taken = false;
}

std::uint64_t Watchdog::stalls() const noexcept { return thread_->stalls(); }
Duration Watchdog::longest() const noexcept { return thread_->longest(); }

}  // namespace simul
