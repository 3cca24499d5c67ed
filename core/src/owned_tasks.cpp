#include <simul/detail/owned_tasks.hpp>

#include <simul/cancelled.hpp>
#include <simul/exception_group.hpp>

namespace simul::detail {

bool OwnedTasks::await_ready() {
  require_waitable_by(Leaf::task());
  left_ = size();
  if (scope_cancelled()) {
    on_cancel();
  }
  for (std::size_t i = 0; i < size(); ++i) {
    if (TaskSet::task(i).ended()) {
      count(i);
    }
  }
  return left_ == 0;
}

void OwnedTasks::await_suspend(std::coroutine_handle<>) noexcept {
  suspend();
  watch();
}

void OwnedTasks::count(std::size_t index) noexcept {
  --left_;
  TaskBase& ended = TaskSet::task(index);
  if (!fail_fast_ || ended.state() == TaskState::done) {
    return;
  }
  if (ended.state() == TaskState::failed) {
    ended.mark_observed();
    failures_.push_back(ended.exception());
  } else if (!cancelling_) {
    failures_.push_back(std::make_exception_ptr(TaskCancelled(describe(ended.exception()))));
  }
  if (!failures_.empty()) {
    cancel_all("another task of the gather failed");
  }
}

void OwnedTasks::cancel_all(std::string_view reason) noexcept {
  if (cancelling_) {
    return;
  }
  cancelling_ = true;
  for (std::size_t i = 0; i < size(); ++i) {
    if (!TaskSet::task(i).ended()) {
      TaskSet::task(i).cancel(reason);
    }
  }
}

void OwnedTasks::task_ended(std::size_t index) noexcept {
  count(index);
  if (left_ == 0) {
    wake();
  }
}

bool OwnedTasks::on_cancel() noexcept {
  cancel_all(Leaf::task().innermost_scope().reason());
  return false;
}

void OwnedTasks::await_resume() {
  rethrow_all(std::move(failures_));
  for (std::size_t i = 0; i < size(); ++i) {
    if (TaskSet::task(i).state() == TaskState::cancelled) {
      check_cancelled();
    }
  }
}

}  // namespace simul::detail
