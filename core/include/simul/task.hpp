// Task<T>: a handle on a coroutine that a loop runs, and spawn(), which makes one.
//
//   Task<int> task = spawn(triple(5));      // queued on the current loop, not started yet
//   int fifteen = co_await task;            // cedes, unless the task has ended
//   task.cancel("no longer needed");        // its next await throws Cancelled
//
// Dropping the handle neither cancels the task nor loses it: the loop's root group owns it, and a
// failure that nobody can see any more is reported to the log. Tasks never move between loops.
#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <simul/any_task.hpp>
#include <simul/callback.hpp>
#include <simul/cancelled.hpp>
#include <simul/coro.hpp>
#include <simul/detail/mailbox.hpp>
#include <simul/detail/task_base.hpp>
#include <simul/detail/task_leaf.hpp>

namespace simul {

template <typename T>
class Task;

namespace detail {

template <typename T>
class JoinThere;  // run_on.hpp

template <typename T, bool kMove>
class [[nodiscard]] TaskAwaiter final : public TaskLeaf {
 public:
  TaskAwaiter(TaskStateOf<T>& awaited, const std::shared_ptr<Mailbox>& remote,
              PromiseBase& promise) noexcept
      : TaskLeaf(awaited, remote) {
    bind_to(promise);
  }
  std::conditional_t<std::is_void_v<T> || kMove, T, std::add_lvalue_reference_t<T>> await_resume() {
    check_outcome();
    Outcome<T>& outcome = static_cast<TaskStateOf<T>&>(awaited_).outcome;
    if constexpr (std::is_void_v<T>) {
      outcome.get();
    } else if constexpr (kMove) {
      return static_cast<T&&>(outcome.get());
    } else {
      return outcome.get();
    }
  }
};

SIMUL_EXPORT TaskGroup& root_group_of(Loop& loop) noexcept;
SIMUL_EXPORT const std::shared_ptr<Mailbox>& mailbox_of(Loop& loop) noexcept;
/// The current loop. Throws std::logic_error where there is none.
SIMUL_EXPORT Loop& loop_to_spawn_on();
SIMUL_EXPORT bool is_current(const Loop& loop) noexcept;

}  // namespace detail

/// What every function but `operator bool` says of an empty handle: std::logic_error.
template <typename T = void>
class Task {
 public:
  using value_type = T;

  Task() noexcept = default;
  /// For spawn: takes over the handle's reference. `remote`: the mailbox of the loop that runs it, if
  /// the handle may be used on other threads.
  explicit Task(detail::TaskStateOf<T>& state,
                std::shared_ptr<detail::Mailbox> remote = nullptr) noexcept
      : state_(&state), remote_(std::move(remote)) {}
  Task(Task&& other) noexcept
      : state_(std::exchange(other.state_, nullptr)), remote_(std::move(other.remote_)) {}
  Task& operator=(Task&& other) noexcept {
    Task moved(std::move(other));
    std::swap(state_, moved.state_);
    std::swap(remote_, moved.remote_);
    return *this;
  }
  ~Task() {
    if (state_ != nullptr) {
      state_->drop_reference();
    }
  }

  /// `co_await task` gives a reference to the result, which lives as long as the handle does;
  /// `co_await std::move(task)` gives the result itself. Throws what the task threw, TaskCancelled
  /// if it was cancelled. Cedes control unless the task has ended. Thread: any loop's.
  /// Cancel safety: a cancelled wait leaves the task running, and it can be awaited again.
  auto awaiter_for(detail::PromiseBase& promise) & {
    return detail::TaskAwaiter<T, false>(required(), remote_, promise);
  }
  auto awaiter_for(detail::PromiseBase& promise) && {
    return detail::TaskAwaiter<T, true>(required(), remote_, promise);
  }

  /// Asks it to end: from now on each of its awaits throws Cancelled. Returns at once; await the task
  /// to know that it has ended. No effect on one that has. Thread: the loop's; any for a handle that
  /// spawn(loop, ...) gave.
  void cancel(std::string_view reason = "cancelled") {
    if (required().ended()) {
      return;
    }
    if (!remote_ || detail::is_current(state_->loop())) {
      state_->cancel(reason);
      return;
    }
    state_->add_reference();
    remote_->post(
        [task = Task(*state_), text = std::string(reason)] { task.state_->cancel(text); });
  }

  /// The result of a task that has ended; as `co_await task`, but throws InvalidState if it hasn't.
  /// Thread: any.
  std::add_lvalue_reference_t<T> result() {
    require_ended();
    state_->mark_observed();
    state_->throw_if_cancelled();
    return state_->outcome.get();
  }
  /// What a task that failed has thrown, null for one that ended otherwise; then it counts as seen.
  /// Throws InvalidState while it runs, TaskCancelled if it was cancelled. Thread: any.
  [[nodiscard]] std::exception_ptr exception() {
    require_ended();
    state_->mark_observed();
    state_->throw_if_cancelled();
    return state_->exception();
  }

  /// Calls `callback(task)` in the loop's next turn after the task has ended, in the order of adding.
  /// Its failure isn't taken for seen by that. Thread: the loop's; throws std::logic_error for a handle
  /// that spawn(loop, ...) gave for another loop.
  template <std::invocable<Task&> Fn>
  CallHandle add_done_callback(Fn callback) {
    require_local();
    state_->add_reference();
    return detail::call_on_completion(
        state_->loop(), state_->waiters(), state_->ended(),
        [callback = std::move(callback), task = Task(*state_)]() mutable { callback(task); });
  }

  /// Lets it run without a handle. If it fails `error_sink` is called with the exception, on the task's
  /// loop; a cancellation is no failure. Thread: as of add_done_callback.
  template <std::invocable<std::exception_ptr> Sink>
  void detach(Sink error_sink) && {
    auto report = [sink = std::move(error_sink)](Task& task) mutable {
      if (task.state() == TaskState::failed) {
        sink(task.exception());
      }
    };
    add_done_callback(std::move(report));
    Task dropped(std::move(*this));
  }

  /// Has it ended, with whatever outcome? Thread: any.
  [[nodiscard]] bool done() const { return required().ended(); }
  /// Thread: any.
  [[nodiscard]] TaskState state() const { return required().state(); }
  [[nodiscard]] std::string_view name() const { return required().name(); }
  /// Names it for dumps and reports. Thread: the loop's. Gives the task back, for chaining.
  Task& set_name(std::string name) {
    required().set_name(std::move(name));
    return *this;
  }
  [[nodiscard]] explicit operator bool() const noexcept { return state_ != nullptr; }
  /// Thread: the loop's.
  operator AnyTask() const noexcept { return AnyTask(*state_); }

 private:
  friend class Loop;
  friend class detail::JoinThere<T>;
  detail::TaskStateOf<T>& required() const {
    detail::require_task(state_);
    return *state_;
  }
  void require_ended() const {
    if (!done()) {
      throw InvalidState("the task has not ended: result is not set");
    }
  }
  void require_local() const {
    if (!detail::is_current(required().loop())) {
      throw std::logic_error("the task runs on another loop");
    }
  }
  friend struct detail::TaskAccess;  // what combines tasks
  detail::TaskBase& state_base() const noexcept { return *state_; }
  T take_result() && {
    state_->mark_observed();
    state_->throw_if_cancelled();
    if constexpr (std::is_void_v<T>) {
      state_->outcome.get();
    } else {
      return static_cast<T&&>(state_->outcome.get());
    }
  }

  detail::TaskStateOf<T>* state_ = nullptr;
  std::shared_ptr<detail::Mailbox> remote_;
};

namespace detail {

template <typename T>
Task<T> spawn_into(Loop& loop, TaskGroup& group, Coro<T> coro,
                   std::shared_ptr<Mailbox> remote = nullptr) {
  coro.require_startable();
  auto* state = new TaskStateOf<T>(loop);
  Task<T> task(*state, std::move(remote));
  state->start_with(std::move(coro), group);
  return task;
}

/// Keeps a coroutine function and its arguments for as long as the coroutine runs.
template <typename Fn, typename... Args>
Coro<CoroValue<Fn, Args...>> call_kept(Fn fn, Args... args) {
  co_return co_await std::invoke(fn, std::move(args)...);
}

/// A start that travels to another loop. Destroyed on the way, it ends the task as cancelled.
template <typename Fn, typename... Args>
class RemoteStart {
 public:
  using T = CoroValue<Fn, Args...>;

  template <typename F, typename... As>
  explicit RemoteStart(Loop& loop, F&& fn, As&&... args)
      : loop_(loop), call_(std::forward<F>(fn), std::forward<As>(args)...) {}
  RemoteStart(RemoteStart&& other) noexcept(
      std::is_nothrow_move_constructible_v<std::tuple<Fn, Args...>>)
      : loop_(other.loop_),
        call_(std::move(other.call_)),  // may throw: the task stays with the other one then
        state_(std::exchange(other.state_, nullptr)) {}
  RemoteStart& operator=(RemoteStart&&) = delete;
  ~RemoteStart() {
    if (state_ != nullptr) {
      state_->never_started();
    }
  }

  /// The task that it will start.
  Task<T> make_task(const std::shared_ptr<Mailbox>& mailbox) {
    state_ = new TaskStateOf<T>(loop_);
    state_->set_context(ContextRef::here());
    return Task<T>(*state_, mailbox);
  }

  void operator()() {
    auto coro =
        std::apply([](auto&&... parts) { return call_kept<Fn, Args...>(std::move(parts)...); },
                   std::move(call_));
    std::exchange(state_, nullptr)->start_with(std::move(coro), root_group_of(loop_));
  }

 private:
  Loop& loop_;
  std::tuple<Fn, Args...> call_;
  TaskStateOf<T>* state_ = nullptr;
};

}  // namespace detail

/// Queues the coroutine on the current loop. Thread: a loop's.
template <typename T>
Task<T> spawn(Coro<T> coro) {
  Loop& loop = detail::loop_to_spawn_on();
  return detail::spawn_into(loop, detail::root_group_of(loop), std::move(coro));
}

/// Calls `fn(args...)` and queues what it returns. The function object (with a lambda's captures) and
/// the arguments are copied or moved and kept until the task ends.
template <typename Fn, typename... Args>
  requires detail::CoroFunction<std::decay_t<Fn>, std::decay_t<Args>...>
auto spawn(Fn&& fn, Args&&... args) {
  return spawn(detail::call_kept<std::decay_t<Fn>, std::decay_t<Args>...>(
      std::forward<Fn>(fn), std::forward<Args>(args)...));
}

/// Runs `fn(args...)` as a task of `loop`, whether that is the current loop, runs on another thread,
/// or doesn't run yet. The frame is built there; function and arguments travel. If the loop has ended
/// the task counts as cancelled, and its arguments are destroyed. Thread: any.
template <typename Fn, typename... Args>
  requires detail::CoroFunction<std::decay_t<Fn>, std::decay_t<Args>...>
auto spawn(Loop& loop, Fn&& fn, Args&&... args) {
  using Start = detail::RemoteStart<std::decay_t<Fn>, std::decay_t<Args>...>;
  using T = typename Start::T;
  const std::shared_ptr<detail::Mailbox>& mailbox = detail::mailbox_of(loop);
  if (detail::is_current(loop)) {  // the handle may go to another thread all the same
    return detail::spawn_into(loop, detail::root_group_of(loop),
                              detail::call_kept<std::decay_t<Fn>, std::decay_t<Args>...>(
                                  std::forward<Fn>(fn), std::forward<Args>(args)...),
                              mailbox);
  }
  Start start(loop, std::forward<Fn>(fn), std::forward<Args>(args)...);
  Task<T> task = start.make_task(mailbox);
  mailbox->post(std::move(start));
  return task;
}

}  // namespace simul
