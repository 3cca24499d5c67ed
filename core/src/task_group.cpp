#include <simul/task_group.hpp>

#include <cassert>
#include <stdexcept>

#include <simul/cancelled.hpp>
#include <simul/loop.hpp>

namespace simul {

TaskGroup::~TaskGroup() { assert(alive_ == 0 && "a group ends after its tasks"); }

Loop& TaskGroup::open_loop() const {
  if (ended_) {
    throw std::logic_error("this group has ended: nothing can be spawned into it");
  }
  return *loop_;
}

void TaskGroup::child_started(CancelScope& child) noexcept {
  ++alive_;
  child.adopt(scope_);
}

bool TaskGroup::child_ended(TaskState state, const std::exception_ptr& error) noexcept {
  --alive_;
  bool throws = false;
  if (state != TaskState::done && policy_ != detail::GroupPolicy::report) {
    if (state == TaskState::failed) {
      throws = true;
      fail(error);
    } else if (policy_ == detail::GroupPolicy::all_needed && !scope_.cancelled()) {
      fail(std::make_exception_ptr(TaskCancelled(describe(error))));
    }
  }
  if (alive_ == 0 && joiner_ != nullptr) {
    joiner_->wake();
  }
  return throws;
}

void TaskGroup::fail(std::exception_ptr failure) noexcept {
  failures_.push_back(std::move(failure));
  scope_.cancel("a task of the group failed");
}

GroupRunner::GroupRunner(detail::TaskBase& task, detail::GroupPolicy policy) noexcept
    : group_(task.loop(), policy), entry_(task, group_.scope_) {}

void GroupRunner::finish() {
  group_.ended_ = true;
  rethrow_all(std::move(group_.failures_));
  if (group_.scope_.cancelled() && !entry_.absorbs()) {
    throw Cancelled(group_.scope_.reason());
  }
}

}  // namespace simul
