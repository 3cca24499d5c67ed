// CancelScope: what a cancellation or a deadline applies to: a stretch of one task, with everything
// that is opened inside it.
//
//   co_await with_scope([&](CancelScope& scope) -> Coro<> {
//     stop_button = [&] { scope.cancel("stopped by hand"); };
//     co_await work();
//   });                                      // a cancelled scope ends quietly
//
//   bool in_time = co_await move_on_after(5s, [&]() -> Coro<> { ... });   // false: the deadline cut it
//   std::optional<int> n = co_await move_on_after(5s, [&]() -> Coro<int> { ... });
//   co_await fail_after(5s, [&]() -> Coro<> { ... });                     // throws TimedOut
//   co_await fail_after(5s, [&](DeadlineScope& scope) -> Coro<> {         // one that can be moved
//     while (auto chunk = co_await peer.recv()) scope.set_deadline(Loop::current().now() + 5s);
//   });
//   co_await shielded(1s, [&]() -> Coro<> { co_await peer.send(goodbye); });
//
// Cancellation is level-triggered: from then on every await inside throws Cancelled before it does
// anything, until the scope is left. Scopes nest; leaving a scope is what ends its effect. They are
// functions that take a callable because destructors can't await; the callable (with its captures)
// is kept in the scope's own frame until the end.
#pragma once

#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <simul/cancelled.hpp>
#include <simul/clock.hpp>
#include <simul/coro.hpp>
#include <simul/detail/step_times.hpp>
#include <simul/detail/timer.hpp>
#include <simul/export.hpp>

namespace simul {

namespace detail {
class TaskWalk;
}

class SIMUL_EXPORT CancelScope {
 public:
  CancelScope(const CancelScope&) = delete;
  CancelScope& operator=(const CancelScope&) = delete;

  /// Cancels everything inside. The first call counts, later ones change nothing; once the scope was
  /// left it has no effect. Thread: the loop's.
  void cancel(std::string_view reason = "cancelled");

  /// Was cancel() called, or has the deadline passed?
  [[nodiscard]] bool cancel_called() const noexcept { return cancel_called_; }
  /// Does the next await inside throw? True too when an outer scope is cancelled.
  [[nodiscard]] bool cancelled() const noexcept { return cancelled_; }
  /// The task in which it is open; null: none, or it was left. Thread: the loop's.
  [[nodiscard]] detail::TaskBase* opened_by() const noexcept { return task_; }
  /// The reason of the innermost cancellation that applies; empty if none does.
  [[nodiscard]] std::string reason() const;

 protected:
  CancelScope() noexcept = default;
  ~CancelScope();

 private:
  friend class detail::TaskBase;
  friend class detail::TaskWalk;
  friend struct detail::DebugLayout;
  friend class Loop;
  friend class TaskGroup;
  friend class ScopeEntry;
  friend class ShieldScope;

  void adopt(CancelScope& parent) noexcept;  // opens this scope inside `parent`
  void abandon() noexcept;                   // closes it
  void unlink() noexcept;
  void move_marks_out() noexcept;
  void apply() noexcept;   // the cancellation reaches this scope and what is inside
  void pierce() noexcept;  // as apply, through shields as well
  virtual void on_outer_cancelled() noexcept { apply(); }
  /// Every task that has a scope inside this one, once.
  void for_each_task(const std::function<void(detail::TaskBase&)>& visit) const;

  CancelScope* parent_ = nullptr;
  CancelScope* first_child_ = nullptr;
  CancelScope* next_sibling_ = nullptr;
  CancelScope** link_ = nullptr;
  detail::TaskBase* task_ = nullptr;  // in which it is open
  struct Extras {                     // what few scopes have
    std::string reason;
    std::unique_ptr<const std::string> task_name;  // replaced, never changed: see await_sites
    detail::StepTimes times;
  };
  Extras& extras();

  std::unique_ptr<Extras> extras_;
  bool cancel_called_ = false;
  bool cancelled_ = false;
  bool pierced_ = false;  // no shield inside holds any more
  bool mark_ = false;     // no scope: how far a TaskWalk has come
};

/// A scope with a deadline that can be moved.
class SIMUL_EXPORT DeadlineScope final : public CancelScope, private detail::Timer {
 public:
  explicit DeadlineScope(TimePoint deadline = kNever) noexcept : wanted_(deadline) {}

  /// Cancels with the reason "deadline" at that time; in the loop's next turn if it is past. kNever
  /// takes it back. Moving it has no effect once it has passed. Thread: the loop's.
  void set_deadline(TimePoint deadline);
  [[nodiscard]] TimePoint deadline() const noexcept { return wanted_; }
  /// Was it this scope's own deadline that cancelled it?
  [[nodiscard]] bool deadline_passed() const noexcept { return deadline_passed_; }

 private:
  friend class ScopeEntry;
  void on_timer() noexcept override;

  TimePoint wanted_;
  Loop* loop_ = nullptr;
  bool deadline_passed_ = false;
};

/// Ignores outer cancellations for up to `grace`, counted from the later of its entry and the outer
/// cancellation. The loop's final abort goes through it.
class SIMUL_EXPORT ShieldScope final : public CancelScope, private detail::Timer {
 public:
  explicit ShieldScope(Duration grace) noexcept : grace_(grace) {}

 private:
  friend class ScopeEntry;
  void on_outer_cancelled() noexcept override;
  void on_timer() noexcept override;

  Duration grace_;
};

/// Opens a scope in a task for as long as it lives, as the scope functions below do.
class SIMUL_EXPORT ScopeEntry {
 public:
  ScopeEntry(detail::TaskBase& task, CancelScope& scope) noexcept;
  ScopeEntry(detail::TaskBase& task, DeadlineScope& scope);
  ScopeEntry(detail::TaskBase& task, ShieldScope& scope);
  ~ScopeEntry();
  ScopeEntry(const ScopeEntry&) = delete;
  ScopeEntry& operator=(const ScopeEntry&) = delete;

  /// May a Cancelled that came out of the scope end here? Yes if this scope was cancelled and no
  /// outer one is, for that one's Cancelled has to go on.
  [[nodiscard]] bool absorbs() const noexcept;

 private:
  detail::TaskBase& task_;
  CancelScope& scope_;
};

namespace detail {

/// Throws Cancelled if the scope that a task stands in is cancelled.
SIMUL_EXPORT void check_cancelled(TaskBase& task);
SIMUL_EXPORT TimePoint now_of(TaskBase& task) noexcept;

template <typename Fn, typename... Args>
concept CoroFunction = requires(Fn fn, Args&&... args) {
  typename std::invoke_result_t<Fn&, Args...>::promise_type;
  typename std::invoke_result_t<Fn&, Args...>::value_type;
};

template <typename Fn, typename... Args>
using CoroValue = typename std::invoke_result_t<Fn&, Args...>::value_type;

/// As std::optional can hold it: a reference as a std::reference_wrapper.
template <typename T>
using Optional =
    std::optional<std::conditional_t<std::is_reference_v<T>,
                                     std::reference_wrapper<std::remove_reference_t<T>>, T>>;

/// bool for a Coro<>, std::optional<T> for a Coro<T>: "did it get to its end, and with what".
template <typename T>
struct CompletionOf {
  using type = Optional<T>;
};
template <>
struct CompletionOf<void> {
  using type = bool;
};
template <typename T>
using Completion = typename CompletionOf<T>::type;

template <typename Scope, typename Fn, typename... Args>
Coro<Completion<CoroValue<Fn, Args&...>>> run_in_scope(Scope& scope, Fn& fn, Args&... args) {
  ScopeEntry entry(co_await this_task, scope);
  try {
    if constexpr (std::is_void_v<CoroValue<Fn, Args&...>>) {
      co_await fn(args...);
      co_return true;
    } else {
      co_return co_await fn(args...);
    }
  } catch (const Cancelled&) {
    if (!entry.absorbs()) {
      throw;
    }
  }
  co_return Completion<CoroValue<Fn, Args&...>>{};
}

/// What a deadline can apply to: `fn()`, or `fn(scope)` if it wants to move the deadline.
template <typename Fn>
concept DeadlineFunction = CoroFunction<Fn> || CoroFunction<Fn, DeadlineScope&>;

template <typename Fn>
struct DeadlineValueOf {
  using type = CoroValue<Fn>;
};
template <typename Fn>
  requires CoroFunction<Fn, DeadlineScope&>
struct DeadlineValueOf<Fn> {
  using type = CoroValue<Fn, DeadlineScope&>;
};
template <typename Fn>
using DeadlineValue = typename DeadlineValueOf<Fn>::type;

template <typename Fn>
Coro<Completion<DeadlineValue<Fn>>> run_until_deadline(DeadlineScope& scope, Fn& fn) {
  if constexpr (CoroFunction<Fn, DeadlineScope&>) {
    return run_in_scope(scope, fn, scope);
  } else {
    return run_in_scope(scope, fn);
  }
}

[[noreturn]] SIMUL_EXPORT void throw_timed_out(const DeadlineScope& scope, TimePoint start);

/// The value of what ran in `scope` since `start`. Throws TimedOut if there is none.
template <typename T>
T in_time(Completion<T>&& completion, const DeadlineScope& scope, TimePoint start) {
  if (!completion) {
    throw_timed_out(scope, start);
  }
  if constexpr (!std::is_void_v<T>) {
    return *std::move(completion);
  }
}

}  // namespace detail

/// Runs `fn(scope)`; gives what move_on_after gives. The scope's deadline can be set inside.
template <typename Fn>
  requires detail::CoroFunction<Fn, DeadlineScope&>
Coro<detail::Completion<detail::CoroValue<Fn, DeadlineScope&>>> with_scope(Fn fn) {
  DeadlineScope scope;
  co_return co_await detail::run_in_scope(scope, fn, scope);
}

/// Runs `fn` until `deadline`. Gives true (or the value) if it ended by itself, false (or nullopt) if
/// this deadline cut it off. A result that is there when the deadline passes wins. An `fn` that takes
/// a DeadlineScope& can move the deadline.
template <typename Fn>
  requires detail::DeadlineFunction<Fn>
Coro<detail::Completion<detail::DeadlineValue<Fn>>> move_on_at(TimePoint deadline, Fn fn) {
  DeadlineScope scope(deadline);
  co_return co_await detail::run_until_deadline(scope, fn);
}

/// move_on_at, counted from when it is awaited.
template <typename Fn>
  requires detail::DeadlineFunction<Fn>
Coro<detail::Completion<detail::DeadlineValue<Fn>>> move_on_after(Duration wait, Fn fn) {
  DeadlineScope scope(time_after(detail::now_of(co_await detail::this_task), wait));
  co_return co_await detail::run_until_deadline(scope, fn);
}

/// As move_on_at, but throws TimedOut if this deadline cut `fn` off, or `fn` its own scope by hand.
template <typename Fn>
  requires detail::DeadlineFunction<Fn>
Coro<detail::DeadlineValue<Fn>> fail_at(TimePoint deadline, Fn fn) {
  const TimePoint start = detail::now_of(co_await detail::this_task);
  DeadlineScope scope(deadline);
  auto completion = co_await detail::run_until_deadline(scope, fn);
  co_return detail::in_time<detail::DeadlineValue<Fn>>(std::move(completion), scope, start);
}

/// fail_at, counted from when it is awaited.
template <typename Fn>
  requires detail::DeadlineFunction<Fn>
Coro<detail::DeadlineValue<Fn>> fail_after(Duration wait, Fn fn) {
  const TimePoint start = detail::now_of(co_await detail::this_task);
  DeadlineScope scope(time_after(start, wait));
  auto completion = co_await detail::run_until_deadline(scope, fn);
  co_return detail::in_time<detail::DeadlineValue<Fn>>(std::move(completion), scope, start);
}

/// Runs `fn` protected from outer cancellations for `grace`. When that is used up its awaits throw
/// like all others. The outer cancellation goes on at the first await after the shield.
template <typename Fn>
  requires detail::CoroFunction<Fn>
Coro<detail::CoroValue<Fn>> shielded(Duration grace, Fn fn) {
  ShieldScope scope(grace);
  auto completion =
      co_await detail::run_in_scope(scope, fn);  // never cut: an outer one is cancelled
  if constexpr (!std::is_void_v<detail::CoroValue<Fn>>) {
    co_return *std::move(completion);
  }
}

}  // namespace simul
