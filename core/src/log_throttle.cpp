#include <simul/log_throttle.hpp>

#include <chrono>
#include <utility>

namespace simul {

bool LogThrottle::admit(TimePoint now) noexcept {
  // Compared without a subtraction: the first window began infinitely long ago.
  if (window_start_ == TimePoint::min() || now - window_start_ >= std::chrono::seconds(1)) {
    window_start_ = now;
    written_ = 0;
  }
  if (written_ == kLinesPerSecond) {
    ++suppressed_;
    return false;
  }
  ++written_;
  return true;
}

std::string LogThrottle::take_suppressed() {
  const std::uint64_t count = std::exchange(suppressed_, 0);
  return count == 0 ? std::string() : " (and " + std::to_string(count) + " more like it)";
}

}  // namespace simul
