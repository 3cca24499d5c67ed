#include <simul/detail/timer.hpp>

#include "loop_access.hpp"
#include "reactor.hpp"
#include "timer_wheel.hpp"

namespace simul::detail {

void Timer::arm(Loop& loop, TimePoint deadline) {
  disarm();
  if (deadline == kNever) {
    deadline_ = kNever;
    return;
  }
  LoopAccess::timers(loop).insert(*this, deadline);
  LoopAccess::reactor(loop).timer_armed(deadline);
}

void Timer::disarm() noexcept {
  if (wheel_ != nullptr) {
    wheel_->remove(*this);
  }
}

}  // namespace simul::detail
