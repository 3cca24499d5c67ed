// Leaf: where a task really waits. Every awaitable that can suspend is, in the end, a Leaf: sleep,
// recv, a task's result. It lives in the frame of the coroutine that awaits it, so it costs no
// allocation.
//
// To write your own, derive from it and give it the three functions of an awaiter:
//
//   class Gate : public Leaf {
//     bool await_ready() { check_cancelled(); return open_; }  // throw before any effect
//     void await_suspend(std::coroutine_handle<>) { suspend(); waiters_.push_back(this); }
//     void await_resume() { throw_if_cancelled(); }
//     bool on_cancel() noexcept override { std::erase(waiters_, this); return true; }
//   };
//   // whoever opens the gate calls wake() on each waiter, on the loop's thread
//
// A wake-up goes through the loop's ready queue: it never resumes the coroutine itself.
#pragma once

#include <coroutine>
#include <cstdint>

#include <simul/clock.hpp>
#include <simul/export.hpp>

namespace simul {

class Loop;

namespace detail {
class TaskBase;
class PromiseBase;
}  // namespace detail

/// What a leaf knows of its wait, for call graphs: the descriptor, the task whose end or deed it is, the
/// time, each only if there is one; and whether another thread may be the one that ends it.
struct WaitDetail {
  int descriptor = -1;
  detail::TaskBase* task = nullptr;
  TimePoint until = kNever;
  bool from_any_thread = false;
};

class SIMUL_EXPORT Leaf {
 public:
  Leaf(const Leaf&) = delete;
  Leaf& operator=(const Leaf&) = delete;

  /// Puts the waiting task on the ready queue; harmless when it is there already.
  /// Thread: the loop's own.
  void wake() noexcept;

  /// The loop of the task that awaits it.
  [[nodiscard]] Loop& loop() const noexcept;

  /// What the task waits for, for task dumps: "sleep", "recv".
  [[nodiscard]] virtual const char* waits_for() const noexcept { return "leaf"; }
  [[nodiscard]] virtual WaitDetail wait_detail() const noexcept { return {}; }
  /// Does it wait for nothing but its next turn, because its program says so?
  [[nodiscard]] virtual bool only_yields() const noexcept { return false; }

 protected:
  Leaf() noexcept = default;
  ~Leaf() = default;

  /// Throws Cancelled if the task's scope is cancelled. Belongs at the start of await_ready, before
  /// anything is tried or consumed.
  void check_cancelled() const {
    if (scope_cancelled()) [[unlikely]] {
      throw_cancelled();
    }
  }
  /// Throws Cancelled if the wait was ended by a cancellation.
  void throw_if_cancelled() const {
    if (cancelled_) [[unlikely]] {
      throw_cancelled();
    }
  }
  /// Marks the task as waiting for this leaf. Belongs in await_suspend, where it is certain that the
  /// task will wait: an await_suspend that gives false or throws must not have called it.
  void suspend() noexcept;

  /// Has a co_await begun?
  [[nodiscard]] bool was_awaited() const noexcept { return task_ != nullptr; }
  /// Is the task's scope cancelled now? For leaves whose wake-up is no result yet.
  [[nodiscard]] bool scope_cancelled() const noexcept;
  /// In on_wake: ends the wait as cancelled.
  void mark_cancelled() noexcept { cancelled_ = true; }

  [[nodiscard]] detail::TaskBase& task() const noexcept { return *task_; }
  /// For an awaiter that an awaitable makes: what co_await does for a leaf by itself.
  void bind_to(detail::PromiseBase& promise) noexcept;

 private:
  friend class detail::TaskBase;
  friend class detail::PromiseBase;

  /// Every co_await of a leaf begins here.
  template <typename Promise>
  void bind(Promise& promise) noexcept {
    task_ = &promise.task();
    cancelled_ = false;  // a leaf may be awaited again
    promise.trampoline->resume_at(promise);
  }
  [[noreturn]] void throw_cancelled() const;

  /// The woken task's turn has come. False: there is no result after all, keep waiting.
  virtual bool on_wake() noexcept { return true; }

  /// The scope was cancelled while the task waits. True: this leaf has forgotten the wait, nothing
  /// will wake it any more, let the await throw. False: I will wake the task myself when it is safe.
  virtual bool on_cancel() noexcept = 0;

  detail::TaskBase* task_ = nullptr;
  bool cancelled_ = false;
};

}  // namespace simul

#include <simul/detail/task_base.hpp>  // what bind() needs where a leaf is awaited
