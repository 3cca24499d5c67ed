#include "callback.hpp"

#include <exception>
#include <stdexcept>
#include <utility>

#include <simul/exception_group.hpp>
#include <simul/log.hpp>

#include "loop_access.hpp"

namespace simul {

CallHandle::CallHandle(detail::Callback& callback) noexcept : callback_(&callback) {
  callback.add_reference();
}
CallHandle::CallHandle(const CallHandle& other) noexcept : callback_(other.callback_) {
  if (callback_ != nullptr) {
    callback_->add_reference();
  }
}
CallHandle::~CallHandle() {
  if (callback_ != nullptr) {
    callback_->drop_reference();
  }
}
void CallHandle::cancel() noexcept {
  if (callback_ != nullptr) {
    callback_->cancel();
  }
}
bool CallHandle::cancelled() const noexcept {
  return callback_ != nullptr && callback_->cancelled();
}
TimePoint CallHandle::when() const noexcept {
  return callback_ != nullptr ? callback_->when() : kNever;
}

namespace detail {

CallHandle call_on_completion(Loop& loop, CompletionWaiters& waiters, bool completed,
                              Function function) {
  return Callback::on_completion(loop, waiters, completed, std::move(function));
}

namespace {

Function required(Function function) {
  if (!function) {
    throw std::invalid_argument("a call of an empty function");
  }
  return function;
}

}  // namespace

CallHandle Callback::soon(Loop& loop, Function function) {
  auto* callback = new Callback(loop, required(std::move(function)));
  CallHandle handle(*callback);
  callback->queue();
  return handle;
}

CallHandle Callback::at(Loop& loop, TimePoint deadline, Function function) {
  auto* callback = new Callback(loop, required(std::move(function)));
  CallHandle handle(*callback);
  callback->when_ = deadline;
  callback->link(State::timed);
  if (LoopAccess::ending(loop)) {
    callback->cancel();
  } else {
    callback->arm(loop, deadline);
  }
  return handle;
}

CallHandle Callback::on_completion(Loop& loop, CompletionWaiters& waiters, bool completed,
                                   Function function) {
  if (completed) {
    return soon(loop, std::move(function));
  }
  auto* callback = new Callback(loop, std::move(function));
  CallHandle handle(*callback);
  callback->link(State::waiting);
  callback->waiters_ = &waiters;
  waiters.add(*callback);
  return handle;
}

void Callback::cancel_all(Loop& loop) noexcept {
  while (Callback* first = LoopAccess::waiting_callbacks(loop)) {
    first->cancel();
  }
}

void Callback::cancel() noexcept {
  const State before = state_;
  if (before == State::called || before == State::cancelled) {
    return;
  }
  state_ = State::cancelled;
  const Function dropped = std::move(function_);  // it may hold the last handle
  if (before == State::timed) {
    unlink();
    disarm();
    drop_reference();
  } else if (before == State::waiting) {
    unlink();
    waiters_->remove(*this);
    drop_reference();
  }  // else the queue lets it go when its turn comes
}

void Callback::on_completion() noexcept {
  unlink();
  queue();
}

void Callback::queue() noexcept {
  state_ = State::queued;
  if (LoopAccess::ending(loop_)) {
    cancel();
  }
  LoopAccess::push_ready(loop_, *this);
}

void Callback::link(State state) noexcept {
  state_ = state;
  Callback*& first = LoopAccess::waiting_callbacks(loop_);
  next_ = first;
  link_ = &first;
  if (first != nullptr) {
    first->link_ = &next_;
  }
  first = this;
}

void Callback::unlink() noexcept {
  *link_ = next_;
  if (next_ != nullptr) {
    next_->link_ = link_;
  }
}

void Callback::on_timer() noexcept {
  unlink();
  queue();
}

void Callback::run_ready() noexcept {
  if (state_ == State::queued) {
    state_ = State::called;
    try {
      Function function = std::move(function_);  // dies with the call, not with the last handle
      function();
    } catch (...) {
      log(LogLevel::error, "a callback failed: " + describe(std::current_exception()));
    }
  }
  drop_reference();
}

}  // namespace detail
}  // namespace simul
