#include <simul/future.hpp>

#include <simul/exception_group.hpp>
#include <simul/log.hpp>

namespace simul {

BrokenPromise::~BrokenPromise() = default;

namespace detail {

FutureBase::~FutureBase() = default;

void FutureBase::require_pending() const {
  if (state_ != TaskState::pending) {
    throw InvalidState(state_ == TaskState::cancelled
                           ? "invalid state: the future was cancelled"
                           : "invalid state: the future has its result already");
  }
}

void FutureBase::require_result() const {
  if (state_ == TaskState::pending) {
    throw InvalidState("Result is not set");
  }
  if (state_ == TaskState::cancelled) {
    throw TaskCancelled("cancelled: " + reason_);
  }
}

void FutureBase::complete(TaskState state) noexcept {
  state_ = state;
  add_reference();  // the last waiter may let it go
  waiters_.tell_all();
  drop_reference();
}

bool FutureBase::cancel(std::string_view reason) {
  if (state_ != TaskState::pending) {
    return false;
  }
  reason_ = reason;
  complete(TaskState::cancelled);
  return true;
}

void FutureBase::drop_reference() noexcept {
  if (--references_ > 0) {
    return;
  }
  if (state_ == TaskState::failed && !observed_) {
    log(LogLevel::error, "a future failed and nobody has looked: " + describe(exception()));
  }
  delete this;
}

}  // namespace detail
}  // namespace simul
