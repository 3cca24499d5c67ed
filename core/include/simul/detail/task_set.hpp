// TaskSet: several tasks that somebody watches. It holds on to them, so that handles may be dropped
// meanwhile, and costs one allocation, whatever their number.
#pragma once

#include <cstddef>
#include <memory>
#include <ranges>

#include <simul/detail/completion.hpp>
#include <simul/detail/task_access.hpp>
#include <simul/detail/task_base.hpp>
#include <simul/export.hpp>

namespace simul::detail {

template <typename R>
concept TaskRange =
    std::ranges::forward_range<const R> && requires(std::ranges::range_reference_t<const R> task) {
      { TaskAccess::state(task) } -> std::convertible_to<TaskBase&>;
    };

class SIMUL_EXPORT TaskSet {
 public:
  TaskSet(const TaskSet&) = delete;
  TaskSet& operator=(const TaskSet&) = delete;

 protected:
  /// Throws std::logic_error if one of the handles is empty.
  template <TaskRange R>
  explicit TaskSet(const R& tasks)
      : TaskSet(static_cast<std::size_t>(std::ranges::distance(tasks))) {
    for (const auto& task : tasks) {
      add(TaskAccess::state(task));
    }
  }
  ~TaskSet();

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] TaskBase& task(std::size_t index) const noexcept { return *watches_[index].task; }

  /// Throws std::logic_error if `waiter` is among them, or one runs on another loop.
  void require_waitable_by(const TaskBase& waiter) const;

  /// From now on task_ended tells when one ends; those that have ended already are left out.
  void watch() noexcept;
  void forget() noexcept;

 private:
  /// Thread: the loop's, in the step in which the task ended.
  virtual void task_ended(std::size_t index) noexcept = 0;

  struct Watch final : CompletionWaiter {
    void on_completion() noexcept override;
    TaskSet* set = nullptr;
    TaskBase* task = nullptr;
    bool listed = false;  // among the task's waiters
  };

  explicit TaskSet(std::size_t capacity);
  void add(TaskBase& task) noexcept;

  std::unique_ptr<Watch[]> watches_;
  std::size_t size_ = 0;
};

}  // namespace simul::detail
