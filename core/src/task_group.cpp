#include <simul/task_group.hpp>

#include <cassert>
#include <stdexcept>

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

bool TaskGroup::child_ended(const std::exception_ptr& failure) noexcept {
  --alive_;
  const bool throws = failure != nullptr && policy_ == OnFailure::cancel_all;
  if (throws) {
    fail(failure);
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

GroupRunner::GroupRunner(detail::TaskBase& task) noexcept
    : group_(task.loop(), TaskGroup::OnFailure::cancel_all), entry_(task, group_.scope_) {}

void GroupRunner::finish() {
  group_.ended_ = true;
  if (group_.failures_.size() == 1) {
    std::rethrow_exception(group_.failures_.front());
  }
  if (!group_.failures_.empty()) {
    throw ExceptionGroup(std::move(group_.failures_));
  }
  if (group_.scope_.cancelled() && !entry_.absorbs()) {
    throw Cancelled(group_.scope_.reason());
  }
}

}  // namespace simul
