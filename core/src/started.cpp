#include <simul/started.hpp>

#include <stdexcept>

#include <simul/exception_group.hpp>

namespace simul::detail {

void StartState::require_first() const {
  if (said_) {
    throw std::logic_error("a Started can be called only once");
  }
}

void StartState::said() noexcept {
  said_ = true;
  if (waiter_ != nullptr && !given_up_) {
    waiter_->wake();
  }
}

bool StartState::keep_failure(std::exception_ptr failure) noexcept {
  if (said_ && !given_up_) {
    return false;
  }
  failure_ = std::move(failure);
  return true;
}

void StartLeaf::await_suspend(std::coroutine_handle<>) noexcept {
  suspend();
  state_.waiter_ = this;
  child_.waiters().add(*this);
}

bool StartLeaf::on_cancel() noexcept {
  state_.given_up_ = true;
  child_.cancel(task().innermost_scope().reason());
  return false;
}

void StartLeaf::await_resume() {
  state_.waiter_ = nullptr;
  if (!ended_) {
    child_.waiters().remove(*this);
  }
  if (state_.said_ && !state_.given_up_) {
    return;
  }
  if (state_.failure_) {
    std::rethrow_exception(state_.failure_);
  }
  check_cancelled();
  child_.throw_if_cancelled();
  throw std::logic_error("a task that start() waits for has ended without calling started()");
}

}  // namespace simul::detail
