#include "os/alarm.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace simul::os {

Alarm::Alarm() : fd_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
  if (fd_ < 0) {
    throw std::system_error(errno, std::generic_category(), "timerfd_create");
  }
}

Alarm::~Alarm() { ::close(fd_); }

void Alarm::set(TimePoint time) noexcept {
  itimerspec spec{};  // zero disarms
  if (time != kNever) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    const std::int64_t nanoseconds = std::max<std::int64_t>(time.time_since_epoch().count(), 1);
    spec.it_value.tv_sec = nanoseconds / kSecond;
    spec.it_value.tv_nsec = nanoseconds % kSecond;
  }
  // Setting it also forgets an expiry that nobody has read, so that no read() is needed.
  timerfd_settime(fd_, TFD_TIMER_ABSTIME, &spec, nullptr);
}

}  // namespace simul::os
