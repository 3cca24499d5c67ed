// run_on: a coroutine function runs on another loop, and its result comes back to this one.
//
//   int users = co_await run_on(directory_loop, count_users, "example.org");
//
// It is a spawn() onto that loop with a join: whoever awaits it doesn't go on, not even cancelled, before
// it has ended there. No task ever moves: the caller waits at home.
#pragma once

#include <atomic>
#include <memory>
#include <type_traits>
#include <utility>

#include <simul/cancel_scope.hpp>
#include <simul/cancelled.hpp>
#include <simul/coro.hpp>
#include <simul/export.hpp>
#include <simul/loop.hpp>
#include <simul/task.hpp>

namespace simul {

namespace detail {

/// Who is first: the other loop, which starts the coroutine, or the caller, who doesn't want it any more.
class StartClaim {
 public:
  /// True for the first one who asks. Thread: any.
  bool take() noexcept { return !taken_.exchange(true, std::memory_order_acq_rel); }

 private:
  std::atomic<bool> taken_{false};
};

template <typename Fn, typename... Args>
Coro<CoroValue<Fn, Args...>> run_if_claimed(std::shared_ptr<StartClaim> claim, Fn fn,
                                            Args... args) {
  if (!claim->take()) {
    throw Cancelled("nobody waits for it any more");
  }
  co_return co_await fn(std::move(args)...);
}

/// Waits for a task of another loop; cancelled, it passes that on and goes on waiting.
template <typename T>
class [[nodiscard]] JoinThere final : public TaskLeaf {
 public:
  JoinThere(Task<T>& task, StartClaim& claim) noexcept
      : TaskLeaf(*task.state_, task.remote_), there_(task), claim_(claim) {}

  T await_resume() {
    throw_if_cancelled();
    awaited_.mark_observed();
    if (awaited_.state() == TaskState::cancelled) {
      check_cancelled();  // it was this task's cancellation that ended it
      awaited_.throw_if_cancelled();
    }
    Outcome<T>& outcome = static_cast<TaskStateOf<T>&>(awaited_).outcome;
    if constexpr (std::is_void_v<T>) {
      outcome.get();
    } else {
      return static_cast<T&&>(outcome.get());
    }
  }

 private:
  bool on_cancel() noexcept override {
    there_.cancel(task().innermost_scope().reason());
    return claim_.take() && TaskLeaf::on_cancel();
  }

  Task<T>& there_;
  StartClaim& claim_;
};

}  // namespace detail

/// Runs `fn(args...)` as a task of `loop`, which runs on another thread, and gives or throws what it did;
/// on the current loop it is simply awaited. Function and arguments travel, as with spawn(loop, ...).
/// Throws TaskCancelled if it was cancelled there, by the end of that loop for instance. Thread: a loop's.
///
/// Cancel safety: a cancellation is passed on, and then waits until the coroutine has ended there, so
/// that it may use what the caller owns; a result that it gives all the same wins. One that hasn't
/// started is not waited for: it never runs.
template <typename Fn, typename... Args>
  requires detail::CoroFunction<Fn, Args...>
Coro<detail::CoroValue<Fn, Args...>> run_on(Loop& loop, Fn fn, Args... args) {
  detail::check_cancelled(co_await detail::this_task);
  if (detail::is_current(loop)) {
    co_return co_await fn(std::move(args)...);
  }
  const auto claim = std::make_shared<detail::StartClaim>();
  auto task =
      spawn(loop, detail::run_if_claimed<Fn, Args...>, claim, std::move(fn), std::move(args)...);
  co_return co_await detail::JoinThere<detail::CoroValue<Fn, Args...>>(task, *claim);
}

}  // namespace simul
