// TaskGroup: tasks that end together. with_group() doesn't return before everything that was spawned
// into the group has ended.
//
//   co_await with_group([&](TaskGroup& group) -> Coro<> {
//     group.spawn(serve(left));
//     group.spawn(serve(right));
//   });                                    // both have ended here
//
// It fails fast: the first failure (of a child or of the body) cancels the others, joins them, and is
// then rethrown as itself; several become an ExceptionGroup. There is no way to leave a child behind.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <simul/cancel_scope.hpp>
#include <simul/coro.hpp>
#include <simul/detail/task_access.hpp>
#include <simul/exception_group.hpp>
#include <simul/export.hpp>
#include <simul/leaf.hpp>
#include <simul/started.hpp>
#include <simul/task.hpp>

namespace simul {

namespace detail {

/// What a child that doesn't end well means to its group.
enum class GroupPolicy : std::uint8_t {
  fail_fast,   // a failure cancels the others
  all_needed,  // so does the cancellation of one child
  report,      // nothing: failures are the business of those who hold the tasks
};

}  // namespace detail

class SIMUL_EXPORT TaskGroup {
 public:
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup();

  /// As simul::spawn, but the task belongs to this group. Thread: the loop's. Throws std::logic_error
  /// when the group has ended.
  template <typename T>
  Task<T> spawn(Coro<T> coro) {
    return detail::spawn_into(open_loop(), *this, std::move(coro));
  }
  template <typename Fn, typename... Args>
    requires detail::CoroFunction<std::decay_t<Fn>, std::decay_t<Args>...>
  auto spawn(Fn&& fn, Args&&... args) {
    return spawn(detail::call_kept<std::decay_t<Fn>, std::decay_t<Args>...>(
        std::forward<Fn>(fn), std::forward<Args>(args)...));
  }

  /// Spawns `fn(started, args...)` and waits until the child says `started(value)`: gives that value.
  ///   int port = co_await group.start<int>(serve);   // Coro<> serve(Started<int> started)
  /// From then on it is a child like any other. If it fails before, the failure is thrown here, and
  /// not by the group; if it is cancelled, TaskCancelled; if it ends without a word, std::logic_error.
  /// Function and arguments are copied or moved and kept, as by spawn. Thread: the loop's.
  /// Cancel safety: a cancelled start() cancels the child and joins it. A child that has said its word
  /// stays, its value is given, and the next await throws.
  template <typename T = void, typename Fn, typename... Args>
    requires detail::CoroFunction<Fn, Started<T>, Args...>
  Coro<T> start(Fn fn, Args... args);

  /// Cancels body and children. The group then ends quietly once all have. Thread: the loop's.
  void cancel(std::string_view reason = "cancelled") { scope_.cancel(reason); }
  /// Of the children that have not ended.
  [[nodiscard]] std::size_t size() const noexcept { return alive_; }
  [[nodiscard]] CancelScope& scope() noexcept { return scope_; }

 private:
  friend class detail::TaskBase;
  friend struct detail::DebugLayout;
  friend class Loop;
  friend class GroupRunner;

  class Scope final : public CancelScope {
   public:
    explicit Scope(TaskGroup& owner) noexcept : group(owner) {}
    TaskGroup& group;
  };

  TaskGroup(Loop& loop, detail::GroupPolicy policy) noexcept
      : loop_(&loop), policy_(policy), scope_(*this) {}

  /// The group of a task, by the scope that the task's own is inside of.
  static TaskGroup& of(CancelScope& scope) noexcept { return static_cast<Scope&>(scope).group; }

  Loop& open_loop() const;
  void child_started(CancelScope& child) noexcept;
  /// True: the group will throw this failure, so nobody else has to report it.
  bool child_ended(TaskState state, const std::exception_ptr& error) noexcept;
  void fail(std::exception_ptr failure) noexcept;

  Loop* loop_;
  std::size_t alive_ = 0;
  Leaf* joiner_ = nullptr;
  std::vector<std::exception_ptr> failures_;
  detail::GroupPolicy policy_;
  bool ended_ = false;
  Scope scope_;
};

/// The part of with_group that needs no template.
class SIMUL_EXPORT GroupRunner {
 public:
  explicit GroupRunner(detail::TaskBase& task,
                       detail::GroupPolicy policy = detail::GroupPolicy::fail_fast) noexcept;
  TaskGroup& group() noexcept { return group_; }

  /// The body threw something else than Cancelled; call inside the catch block.
  void body_failed() noexcept { group_.fail(std::current_exception()); }
  /// The body threw Cancelled. If neither the group nor what is around it is cancelled it came from
  /// elsewhere, and is a failure like any other.
  void body_cancelled() noexcept {
    if (!group_.scope_.cancelled()) {
      body_failed();
    }
  }

  class [[nodiscard]] JoinLeaf final : public Leaf {
   public:
    explicit JoinLeaf(TaskGroup& group) noexcept : group_(group) {}
    bool await_ready() const noexcept { return group_.alive_ == 0; }
    void await_suspend(std::coroutine_handle<>) noexcept {
      group_.joiner_ = this;
      suspend();
    }
    void await_resume() const noexcept { group_.joiner_ = nullptr; }
    [[nodiscard]] const char* waits_for() const noexcept override { return "group"; }

   private:
    bool on_wake() noexcept override { return group_.alive_ == 0; }
    /// The cancellation reaches the children through their scopes; the join waits for them.
    bool on_cancel() noexcept override { return false; }
    TaskGroup& group_;
  };
  /// Waits until all children have ended. Not a cancellation point.
  JoinLeaf join() noexcept { return JoinLeaf(group_); }

  /// After the join: throws what is to be thrown.
  void finish();

 private:
  TaskGroup group_;
  ScopeEntry entry_;
};

namespace detail {

/// with_group, gather and race: the one place that cancels and joins.
template <typename Fn>
Coro<> run_group(GroupPolicy policy, Fn body) {
  GroupRunner runner(co_await this_task, policy);
  try {
    co_await body(runner.group());
  } catch (const Cancelled&) {
    runner.body_cancelled();
  } catch (...) {
    runner.body_failed();
  }
  co_await runner.join();
  runner.finish();
}

}  // namespace detail

/// Runs `body(group)` in the current task, then waits for the group's tasks; see the head of this
/// file. Cancel safety: a cancellation reaches body and children and is rethrown after the last one
/// has ended.
template <typename Fn>
  requires detail::CoroFunction<Fn, TaskGroup&>
Coro<> with_group(Fn body) {
  return detail::run_group(detail::GroupPolicy::fail_fast, std::move(body));
}

template <typename T, typename Fn, typename... Args>
  requires detail::CoroFunction<Fn, Started<T>, Args...>
Coro<T> TaskGroup::start(Fn fn, Args... args) {
  detail::check_cancelled(co_await detail::this_task);
  const auto state = std::make_shared<detail::StartStateOf<T>>();
  Task<> child =
      spawn(detail::run_starting<T, Fn, Args...>(state, std::move(fn), std::move(args)...));
  co_await detail::StartLeaf(*state, detail::TaskAccess::state(child));
  if constexpr (!std::is_void_v<T>) {
    co_return *std::move(state->value);
  }
}

}  // namespace simul
