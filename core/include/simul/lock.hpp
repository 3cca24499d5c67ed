// Lock: one task at a time, first come, first served.
//
//   {
//     Lock::Guard guard = co_await lock.lock();
//     co_await rewrite(file);
//   }                                    // the next in line has the lock now
//
// It is for the tasks of one loop, and for what they do across awaits: between two awaits a task is
// alone anyhow. It is no std::mutex; between loops there are channels and Loop::post().
#pragma once

#include <coroutine>
#include <utility>

#include <simul/detail/turn_leaf.hpp>
#include <simul/detail/wait_list.hpp>
#include <simul/export.hpp>

namespace simul {

class SIMUL_EXPORT Lock {
 public:
  class Guard;
  class Acquire;

  Lock() noexcept = default;
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  /// Nobody may hold it or wait for it.
  ~Lock();

  /// Waits until the lock is free and gives a Guard that holds it. A guard that lets go hands the lock
  /// to the first in line at once: nobody can get in between. Cedes only if it has to wait, or if its
  /// step is used up. Throws std::logic_error if the task holds the lock already: it would wait for
  /// itself. Thread: the loop's.
  /// Cancel safety: safe. A task that was cancelled while it waited doesn't get the lock; one that was
  /// handed it before has it, and its next await throws.
  Acquire lock() noexcept;
  /// A guard that holds the lock if that is free, and else one that holds nothing. Thread: the loop's.
  [[nodiscard]] Guard try_lock() noexcept;

  /// Does anybody hold it? From one holder to the next it stays locked.
  [[nodiscard]] bool locked() const noexcept { return locked_; }

 private:
  friend class Condition;

  void take_for(detail::TaskBase* task) noexcept;
  void unlock() noexcept;
  void set_owner(detail::TaskBase* task) noexcept;
  /// By the task whose step this is?
  [[nodiscard]] bool held_by_current_task() const noexcept;

  detail::WaitList waiters_;
  // With a reference, so that no later task can be taken for it; null: taken outside of any task.
  detail::TaskBase* owner_ = nullptr;
  bool locked_ = false;
};

/// Holds a lock and lets go of it at the end of its life. It may be moved to another task and end
/// there; that task should adopt() it.
class [[nodiscard]] SIMUL_EXPORT Lock::Guard {
 public:
  /// Holds nothing.
  Guard() noexcept = default;
  Guard(Guard&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
  Guard& operator=(Guard&& other) noexcept {
    Guard moved(std::move(other));
    std::swap(lock_, moved.lock_);
    return *this;
  }
  ~Guard() {
    if (lock_ != nullptr) {
      lock_->unlock();
    }
  }

  /// Lets go now. Throws std::logic_error if it holds nothing.
  void unlock();
  /// Makes the task whose step this is the owner: the one that must not lock again, and that may use
  /// a Condition. At first that is the task that locked. Throws std::logic_error if it holds nothing.
  void adopt();
  /// Does it hold a lock?
  [[nodiscard]] explicit operator bool() const noexcept { return lock_ != nullptr; }

 private:
  friend class Lock;
  friend class Condition;
  explicit Guard(Lock& lock) noexcept : lock_(&lock) {}

  Lock* lock_ = nullptr;
};

class [[nodiscard]] SIMUL_EXPORT Lock::Acquire final : public detail::TurnLeaf {
 public:
  explicit Acquire(Lock& lock) noexcept : TurnLeaf(lock.waiters_), lock_(lock) {}
  bool await_ready();
  Guard await_resume() {
    throw_if_cancelled();
    return Guard(lock_);
  }
  [[nodiscard]] const char* waits_for() const noexcept override { return "lock"; }
  [[nodiscard]] WaitDetail wait_detail() const noexcept override { return {.task = lock_.owner_}; }

 private:
  bool take() noexcept override;

  Lock& lock_;
};

inline Lock::Acquire Lock::lock() noexcept { return Acquire(*this); }

}  // namespace simul
