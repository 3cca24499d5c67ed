#include <simul/wait.hpp>

#include <stdexcept>

#include <simul/loop.hpp>

namespace simul {

void Wait::require_some() const {
  if (size() == 0) {
    throw std::logic_error("wait: no tasks to wait for");
  }
}

void Wait::count(std::size_t index) noexcept {
  ++ended_;
  any_bad_ = any_bad_ || TaskSet::task(index).state() != TaskState::done;
}

bool Wait::satisfied() const noexcept {
  switch (until_) {
    case WaitFor::first_completed:
      return ended_ > 0;
    case WaitFor::first_exception:
      return any_bad_ || ended_ == size();
    case WaitFor::all_completed:
      break;
  }
  return ended_ == size();
}

bool Wait::await_ready() {
  check_cancelled();
  require_waitable_by(Leaf::task());
  ended_ = 0;
  any_bad_ = false;
  for (std::size_t i = 0; i < size(); ++i) {
    if (TaskSet::task(i).ended()) {
      count(i);
    }
  }
  return satisfied();
}

void Wait::await_suspend(std::coroutine_handle<>) {
  if (wait_ != Duration::max()) {
    arm(loop(), time_after(loop().exact_now(), wait_));
  }
  suspend();
  watch();
}

WaitResult Wait::await_resume() {
  disarm();
  forget();
  throw_if_cancelled();
  WaitResult result;
  for (std::size_t i = 0; i < size(); ++i) {
    (TaskSet::task(i).ended() ? result.done : result.pending).push_back(i);
  }
  return result;
}

void Wait::task_ended(std::size_t index) noexcept {
  count(index);
  if (satisfied()) {
    wake();
  }
}

}  // namespace simul
