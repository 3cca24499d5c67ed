// Condition: tasks that hold a Lock wait until another says that something has changed.
//
//   Lock::Guard guard = co_await lock.lock();
//   co_await condition.wait(guard, [&] { return !jobs.empty(); });
//   Job job = take(jobs);                // the guard holds again
//
//   Lock::Guard guard = co_await lock.lock();
//   jobs.push_back(job);
//   condition.notify();                  // one of those who wait is next in line for the lock
//
// It is for the tasks of one loop. If all that is waited for is a flag, an Event is simpler; if it is
// an item, a queue.
#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <utility>

#include <simul/detail/wait_list.hpp>
#include <simul/export.hpp>
#include <simul/lock.hpp>

namespace simul {

class SIMUL_EXPORT Condition {
 public:
  class Wait;
  template <std::predicate Predicate>
  class WaitUntil;

  /// `lock` must outlive it. Nobody may be waiting when it dies.
  explicit Condition(Lock& lock) noexcept : lock_(lock) {}
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;

  /// Lets go of the lock, waits for a notification, and takes the lock again; the guard, which must stay
  /// where it is, holds nothing meanwhile. What was waited for may be gone by then: look again, or use
  /// the other wait(). Throws std::logic_error if the guard doesn't hold the condition's lock.
  /// Thread: the loop's.
  /// Cancel safety: safe. However it ends, the guard holds the lock: a cancelled wait stands in line for
  /// it as any other, for as long as that takes, and only then throws. A notification that it had been
  /// given goes to the next one who waits.
  Wait wait(Lock::Guard& guard) noexcept;

  /// Waits until `predicate` holds. It is called with the lock held, at once and after each
  /// notification, in the task's name; what it throws is thrown by the wait. Cancel safety: as above; if
  /// it holds at the very moment of the cancellation, the cancellation wins.
  template <std::predicate Predicate>
  WaitUntil<Predicate> wait(Lock::Guard& guard, Predicate predicate);

  /// Wakes up to `count` of those who wait, in the order in which they came: they get in line for the
  /// lock. Throws std::logic_error if the lock isn't held by the task whose step this is.
  /// Thread: the loop's.
  void notify(std::size_t count = 1);
  void notify_all();

 private:
  void require_held() const;
  /// Notifies the next one, if there is one. Somebody holds the lock.
  void pass_on() noexcept;

  Lock& lock_;
  detail::WaitList waiters_;
};

class [[nodiscard]] SIMUL_EXPORT Condition::Wait : public detail::WaitingLeaf {
 public:
  Wait(Condition& condition, Lock::Guard& guard) noexcept : condition_(condition), guard_(guard) {}

  bool await_ready() {
    check_usable();
    return false;
  }
  void await_suspend(std::coroutine_handle<>) noexcept {
    suspend();
    park();
  }
  void await_resume() const { throw_if_cancelled(); }
  [[nodiscard]] const char* waits_for() const noexcept final { return "condition"; }

 protected:
  /// What await_ready begins with.
  void check_usable() const;

 private:
  friend class Condition;

  /// Where it stands: among those who wait for a notification; in line for the lock, with one or
  /// (cancelled) without; or it holds the lock.
  enum class Place : std::uint8_t { parked, notified, returning, back };

  void park() noexcept;
  void take_back() noexcept;
  virtual bool satisfied() noexcept { return true; }
  bool on_wake() noexcept final;
  bool on_cancel() noexcept final;

  Condition& condition_;
  Lock::Guard& guard_;
  Place place_ = Place::parked;
};

template <std::predicate Predicate>
class [[nodiscard]] Condition::WaitUntil final : public Wait {
 public:
  WaitUntil(Condition& condition, Lock::Guard& guard, Predicate predicate)
      : Wait(condition, guard), predicate_(std::move(predicate)) {}

  bool await_ready() {
    check_usable();
    return predicate_();
  }
  void await_resume() const {
    throw_if_cancelled();
    if (error_) {
      std::rethrow_exception(error_);
    }
  }

 private:
  bool satisfied() noexcept override {
    try {
      return predicate_();
    } catch (...) {
      error_ = std::current_exception();
      return true;
    }
  }

  Predicate predicate_;
  std::exception_ptr error_;
};

inline Condition::Wait Condition::wait(Lock::Guard& guard) noexcept { return {*this, guard}; }

template <std::predicate Predicate>
Condition::WaitUntil<Predicate> Condition::wait(Lock::Guard& guard, Predicate predicate) {
  return {*this, guard, std::move(predicate)};
}

}  // namespace simul
