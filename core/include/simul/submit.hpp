// submit: a coroutine of a loop, started and waited for by a thread that isn't one.
//
//   Submission<int> answer = submit(loop, [](int n) -> Coro<int> { co_return n * 2; }, 21);
//   int value = answer.get();                   // blocks this thread
//
// From one loop to another use spawn(loop, ...) and await the task: that blocks nobody.
#pragma once

#include <chrono>
#include <future>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <simul/cancelled.hpp>
#include <simul/coro.hpp>
#include <simul/loop.hpp>
#include <simul/task.hpp>

namespace simul {

/// Thread: any, but one at a time. Dropping it neither cancels nor waits.
template <typename T = void>
class Submission {
 public:
  Submission(Task<> task, std::future<T> result, Loop& loop)
      : task_(std::move(task)), result_(std::move(result)), loop_(&loop) {}

  /// Blocks until the coroutine has ended; gives its result or throws what it threw, TaskCancelled if it
  /// was cancelled or its loop has ended. Throws InvalidState the second time, std::logic_error on
  /// the loop's own thread while it runs, which would wait for ever.
  T get() {
    require_elsewhere();
    if (!result_.valid()) {
      throw InvalidState("the result of this submission was taken already");
    }
    try {
      return result_.get();
    } catch (const std::future_error& error) {
      if (error.code() == std::future_errc::broken_promise) {
        throw TaskCancelled("cancelled before it could start");
      }
      throw;
    }
  }
  /// Blocks for at most `patience`. True: get() won't block.
  [[nodiscard]] bool wait_for(std::chrono::nanoseconds patience) const {
    require_elsewhere();
    return result_.wait_for(patience) == std::future_status::ready;
  }
  [[nodiscard]] bool done() const {
    return result_.wait_for(std::chrono::nanoseconds::zero()) == std::future_status::ready;
  }
  /// As Task::cancel; returns at once.
  void cancel(std::string_view reason = "cancelled") { task_.cancel(reason); }

 private:
  void require_elsewhere() const {
    if (detail::is_current(*loop_)) {
      throw std::logic_error("a loop can't block on what it has to run itself: await the task");
    }
  }

  Task<> task_;
  std::future<T> result_;
  Loop* loop_;
};

namespace detail {

template <typename T, typename Fn, typename... Args>
Coro<> run_for_submitter(  // function and arguments are gone before the submitter goes on
    std::promise<T> promise, Fn fn, Args... args) {
  std::exception_ptr failure;
  try {
    if constexpr (std::is_void_v<T>) {
      co_await call_kept<Fn, Args...>(std::move(fn), std::move(args)...);
      promise.set_value();
    } else {
      promise.set_value(co_await call_kept<Fn, Args...>(std::move(fn), std::move(args)...));
    }
    co_return;
  } catch (const Cancelled& cancelled) {
    failure = std::make_exception_ptr(TaskCancelled("cancelled: " + cancelled.reason()));
  } catch (...) {
    failure = std::current_exception();
  }
  promise.set_exception(failure);
}

}  // namespace detail

/// Runs `fn(args...)` as a task of `loop`, which need not run yet. Thread: any.
template <typename Fn, typename... Args>
  requires detail::CoroFunction<std::decay_t<Fn>, std::decay_t<Args>...>
auto submit(Loop& loop, Fn&& fn, Args&&... args) {
  using T = detail::CoroValue<std::decay_t<Fn>, std::decay_t<Args>...>;
  std::promise<T> promise;
  std::future<T> result = promise.get_future();
  Task<> task = spawn(loop, detail::run_for_submitter<T, std::decay_t<Fn>, std::decay_t<Args>...>,
                      std::move(promise), std::forward<Fn>(fn), std::forward<Args>(args)...);
  return Submission<T>(std::move(task), std::move(result), loop);
}

}  // namespace simul
