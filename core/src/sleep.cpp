#include <simul/sleep.hpp>

#include <simul/loop.hpp>

#include "loop_access.hpp"

namespace simul {

void Sleep::await_suspend(std::coroutine_handle<>) {
  const TimePoint deadline =
      deadline_ != kNever ? deadline_ : time_after(loop().exact_now(), wait_);
  arm(loop(), deadline);
  suspend();
  if (wait_ <= Duration::zero()) {
    detail::LoopAccess::poll_next(loop());
  }
}

void YieldNow::await_suspend(std::coroutine_handle<>) noexcept {
  suspend();
  wake();
  detail::LoopAccess::poll_next(loop());
}

}  // namespace simul
