#include <simul/lock.hpp>

#include <cassert>
#include <stdexcept>

#include <simul/detail/task_base.hpp>

#include "loop_access.hpp"

namespace simul {

using detail::LoopAccess;

Lock::~Lock() { assert(!locked_ && "a lock outlives those who hold it"); }

Lock::Guard Lock::try_lock() noexcept {
  if (locked_) {
    return {};
  }
  take_for(LoopAccess::current_task_or_null());
  return Guard(*this);
}

void Lock::take_for(detail::TaskBase* task) noexcept {
  locked_ = true;
  set_owner(task);
}

void Lock::unlock() noexcept {
  if (waiters_.empty()) {
    locked_ = false;
    set_owner(nullptr);
  } else {
    set_owner(&detail::WaitList::task_of(waiters_.front()));
    waiters_.serve_first();
  }
}

void Lock::set_owner(detail::TaskBase* task) noexcept {
  if (task != nullptr) {
    task->add_reference();
  }
  detail::TaskBase* previous = std::exchange(owner_, task);
  if (previous != nullptr) {
    previous->drop_reference();
  }
}

bool Lock::held_by_current_task() const noexcept {
  return locked_ && owner_ == LoopAccess::current_task_or_null();
}

void Lock::Guard::unlock() {
  if (lock_ == nullptr) {
    throw std::logic_error("this guard holds no lock");
  }
  std::exchange(lock_, nullptr)->unlock();
}

void Lock::Guard::adopt() {
  if (lock_ == nullptr) {
    throw std::logic_error("this guard holds no lock");
  }
  lock_->set_owner(LoopAccess::current_task_or_null());
}

bool Lock::Acquire::await_ready() {
  check_cancelled();
  if (lock_.owner_ == &task()) {
    throw std::logic_error(
        "this task holds the lock already and would wait for itself (if it gave its guard away, "
        "who has it now must adopt() it)");
  }
  return attempt();
}

bool Lock::Acquire::take() noexcept {
  if (lock_.locked_) {
    return false;
  }
  lock_.take_for(&task());
  return true;
}

}  // namespace simul
