// OwnedTasks: tasks that run already and were handed over: who waits for them cancels and joins them.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <string_view>
#include <vector>

#include <simul/detail/task_set.hpp>
#include <simul/export.hpp>
#include <simul/leaf.hpp>

namespace simul::detail {

/// Waits until all have ended; a cancellation of the waiter cancels them first. With `fail_fast` so
/// does the first one that doesn't end well. Give it the results by finish().
class [[nodiscard]] SIMUL_EXPORT OwnedTasks final : public Leaf, private TaskSet {
 public:
  template <TaskRange R>
  OwnedTasks(R& tasks, bool fail_fast) : TaskSet(tasks), fail_fast_(fail_fast) {}

  bool await_ready();
  void await_suspend(std::coroutine_handle<>) noexcept;
  /// Throws what the tasks have thrown if it is fail_fast; Cancelled if that is why one has ended.
  void await_resume();
  [[nodiscard]] const char* waits_for() const noexcept override { return "gather"; }

 private:
  void count(std::size_t index) noexcept;
  void cancel_all(std::string_view reason) noexcept;
  void task_ended(std::size_t index) noexcept override;
  bool on_cancel() noexcept override;

  std::vector<std::exception_ptr> failures_;
  std::size_t left_ = 0;
  bool fail_fast_;
  bool cancelling_ = false;
};

}  // namespace simul::detail
