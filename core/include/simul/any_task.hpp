// AnyTask: a handle on a task of this loop whose result type doesn't matter: to look at it, to cancel
// it, to wait for its end.
//
//   AnyTask self = current_task();
//   for (AnyTask task : all_tasks()) {
//     if (task != self) task.cancel("everybody out");
//   }
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <simul/detail/task_base.hpp>
#include <simul/detail/task_leaf.hpp>
#include <simul/export.hpp>

namespace simul {

/// Copyable; all handles of one task are equal. Thread: the loop's.
class SIMUL_EXPORT AnyTask {
 public:
  AnyTask() noexcept = default;
  explicit AnyTask(detail::TaskBase& task) noexcept : task_(&task) { task.add_reference(); }
  AnyTask(const AnyTask& other) noexcept : task_(other.task_) {
    if (task_ != nullptr) {
      task_->add_reference();
    }
  }
  AnyTask(AnyTask&& other) noexcept : task_(std::exchange(other.task_, nullptr)) {}
  AnyTask& operator=(AnyTask other) noexcept {
    std::swap(task_, other.task_);
    return *this;
  }
  ~AnyTask() {
    if (task_ != nullptr) {
      task_->drop_reference();
    }
  }

  /// As Task::cancel.
  void cancel(std::string_view reason = "cancelled") {
    if (!required().ended()) {
      task_->cancel(reason);
    }
  }
  [[nodiscard]] TaskState state() const { return required().state(); }
  [[nodiscard]] bool done() const { return required().ended(); }
  [[nodiscard]] std::string_view name() const { return required().name(); }
  /// What it waits for, innermost first: "recv at echo.cpp:12, called from session.cpp:40".
  [[nodiscard]] std::string waits_for() const { return required().backtrace(); }

  /// `co_await task` waits for its end as that of a Task<>.
  auto awaiter_for(detail::PromiseBase& promise) const { return Awaiter(required(), promise); }

  [[nodiscard]] explicit operator bool() const noexcept { return task_ != nullptr; }
  bool operator==(const AnyTask&) const noexcept = default;

 private:
  friend struct detail::TaskAccess;  // what combines tasks
  [[nodiscard]] detail::TaskBase& required() const {
    detail::require_task(task_);
    return *task_;
  }
  class [[nodiscard]] Awaiter final : public detail::TaskLeaf {
   public:
    Awaiter(detail::TaskBase& awaited, detail::PromiseBase& promise) noexcept
        : TaskLeaf(awaited, kHere) {
      bind_to(promise);
    }
    void await_resume() {
      check_outcome();
      if (awaited_.exception()) {
        std::rethrow_exception(awaited_.exception());
      }
    }
  };

  detail::TaskBase* task_ = nullptr;
};

/// The task whose step this is. Throws std::logic_error outside of one.
[[nodiscard]] SIMUL_EXPORT AnyTask current_task();
/// Every task of the current loop that has not ended, in no particular order. Throws std::logic_error
/// outside of a loop.
[[nodiscard]] SIMUL_EXPORT std::vector<AnyTask> all_tasks();

}  // namespace simul
