#include <simul/condition.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace simul {

void Condition::notify(std::size_t count) {
  require_held();
  for (count = std::min(count, waiters_.size()); count > 0; --count) {
    pass_on();
  }
}

void Condition::notify_all() { notify(waiters_.size()); }

void Condition::require_held() const {
  if (!lock_.held_by_current_task()) {
    throw std::logic_error("a condition is used by the task that holds its lock");
  }
}

void Condition::pass_on() noexcept {
  if (waiters_.empty()) {
    return;
  }
  // Only to the lock: woken now, it would run to find that it has to wait for that.
  auto& waiter = static_cast<Wait&>(waiters_.front());
  waiters_.remove(waiter);
  waiter.place_ = Wait::Place::notified;
  lock_.waiters_.push(waiter);
}

void Condition::Wait::check_usable() const {
  check_cancelled();
  if (guard_.lock_ != &condition_.lock_) {
    throw std::logic_error("this guard doesn't hold the condition's lock");
  }
}

void Condition::Wait::park() noexcept {
  place_ = Place::parked;
  condition_.waiters_.push(*this);
  std::exchange(guard_.lock_, nullptr)->unlock();
}

void Condition::Wait::take_back() noexcept {
  place_ = Place::back;
  guard_.lock_ = &condition_.lock_;
}

bool Condition::Wait::on_wake() noexcept {
  // It was handed the lock.
  const bool notified = place_ == Place::notified;
  take_back();
  if (!notified) {
    mark_cancelled();
    return true;
  }
  if (scope_cancelled()) {
    condition_.pass_on();
    mark_cancelled();
    return true;
  }
  if (satisfied()) {
    return true;
  }
  park();
  return false;
}

bool Condition::Wait::on_cancel() noexcept {
  Lock& lock = condition_.lock_;
  switch (place_) {
    case Place::parked:
      condition_.waiters_.remove(*this);
      if (!lock.locked_) {
        lock.take_for(&task());
        take_back();
        return true;
      }
      lock.waiters_.push(*this);
      place_ = Place::returning;
      break;
    case Place::notified:
      condition_.pass_on();
      place_ = Place::returning;
      break;
    case Place::returning:
    case Place::back:
      break;
  }
  return false;
}

}  // namespace simul
