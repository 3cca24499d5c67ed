// wait: until one, or all, of several tasks have ended, or a time is up. It cancels nothing.
//
//   std::vector<Task<Page>> fetches = ...;
//   auto [done, pending] = co_await wait(fetches, WaitFor::first_completed, 5s);
//   for (std::size_t i : done) show(co_await fetches[i]);
//
// It gives no results and throws no failure of a task: await the tasks for that. To have them one by
// one as they end take as_completed; called in a loop, wait looks at all tasks each time.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include <simul/any_task.hpp>
#include <simul/clock.hpp>
#include <simul/detail/task_set.hpp>
#include <simul/detail/timer.hpp>
#include <simul/export.hpp>
#include <simul/leaf.hpp>

namespace simul {

/// When wait() returns, besides when its time is up.
enum class WaitFor : std::uint8_t {
  first_completed,  ///< one has ended, in whatever way
  first_exception,  ///< one has failed or was cancelled (awaiting it would throw), or all have ended
  all_completed,    ///< all have ended
};

/// Places in what wait() was given, ascending. Together they are all of them.
struct WaitResult {
  std::vector<std::size_t> done;
  std::vector<std::size_t> pending;
};

class [[nodiscard]] SIMUL_EXPORT Wait final : public Leaf,
                                              private detail::TaskSet,
                                              private detail::Timer {
 public:
  template <detail::TaskRange R>
  Wait(const R& tasks, WaitFor until, Duration timeout)
      : TaskSet(tasks), until_(until), wait_(timeout) {
    require_some();
  }

  bool await_ready();
  void await_suspend(std::coroutine_handle<>);
  WaitResult await_resume();
  [[nodiscard]] const char* waits_for() const noexcept override { return "wait"; }

 private:
  void require_some() const;
  void count(std::size_t index) noexcept;
  [[nodiscard]] bool satisfied() const noexcept;
  void task_ended(std::size_t index) noexcept override;
  void on_timer() noexcept override { wake(); }
  bool on_cancel() noexcept override { return true; }

  WaitFor until_;
  Duration wait_;
  std::size_t ended_ = 0;
  bool any_bad_ = false;  // failed or cancelled
};

/// Waits for `tasks`: a range of Task<T> or AnyTask, which keep running whatever happens here. Doesn't cede if
/// what it waits for is the case already. Those that end before the waiter's turn comes are `done` too.
/// Throws std::logic_error for an empty range, an empty handle, a task of another loop, and the task
/// that waits. Thread: the loop's.
/// Cancel safety: nothing to lose; the tasks go on.
template <detail::TaskRange R>
Wait wait(const R& tasks, WaitFor until = WaitFor::all_completed,
          Duration timeout = Duration::max()) {
  return Wait(tasks, until, timeout);
}
/// The same for tasks of different types: wait({request, alarm}, WaitFor::first_completed).
inline Wait wait(std::initializer_list<AnyTask> tasks, WaitFor until = WaitFor::all_completed,
                 Duration timeout = Duration::max()) {
  return Wait(tasks, until, timeout);
}

}  // namespace simul
