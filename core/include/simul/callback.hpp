// Callbacks: a function that a loop calls, soon, at a time, or when a task has ended.
//
//   CallHandle handle = loop.call_later(5s, [] { ... });
//   handle.cancel();                        // it won't be called
//
// Dropping the handle cancels nothing. A callback runs between the steps of tasks, so it can't await; what it
// throws is logged. For anything that waits, spawn a task.
#pragma once

#include <functional>
#include <utility>

#include <simul/clock.hpp>
#include <simul/export.hpp>

namespace simul {

class Loop;

namespace detail {
class Callback;
class TaskBase;
class CompletionWaiters;
}  // namespace detail

/// Thread: the loop's. All handles of one callback are equal.
class SIMUL_EXPORT CallHandle {
 public:
  CallHandle() noexcept = default;
  CallHandle(const CallHandle& other) noexcept;
  CallHandle(CallHandle&& other) noexcept : callback_(std::exchange(other.callback_, nullptr)) {}
  CallHandle& operator=(CallHandle other) noexcept {
    std::swap(callback_, other.callback_);
    return *this;
  }
  ~CallHandle();

  /// It won't be called, and what it holds is destroyed at once. No effect once it was called, while it
  /// runs, or on an empty handle.
  void cancel() noexcept;
  /// Was it cancelled before it could be called?
  [[nodiscard]] bool cancelled() const noexcept;
  /// The time it was asked for; kNever for one that isn't bound to a time.
  [[nodiscard]] TimePoint when() const noexcept;
  [[nodiscard]] explicit operator bool() const noexcept { return callback_ != nullptr; }
  bool operator==(const CallHandle&) const noexcept = default;

 private:
  friend class Loop;
  friend class detail::Callback;
  explicit CallHandle(detail::Callback& callback) noexcept;

  detail::Callback* callback_ = nullptr;
};

namespace detail {

using Function = std::move_only_function<void()>;

/// Queues `function` when the list is told; if `completed`, at once.
SIMUL_EXPORT CallHandle call_on_completion(Loop& loop, CompletionWaiters& waiters, bool completed,
                                           Function function);

}  // namespace detail
}  // namespace simul
