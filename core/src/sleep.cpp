#include <simul/sleep.hpp>

#include <simul/loop.hpp>

namespace simul {

void Sleep::await_suspend(std::coroutine_handle<>) {
  const TimePoint deadline =
      deadline_ != kNever ? deadline_ : time_after(loop().exact_now(), wait_);
  arm(loop(), deadline);
  suspend();
}

}  // namespace simul
