#include <simul/detail/task_set.hpp>

#include <stdexcept>
#include <utility>

namespace simul::detail {

TaskSet::TaskSet(std::size_t capacity) : watches_(std::make_unique<Watch[]>(capacity)) {}

TaskSet::~TaskSet() {
  forget();
  for (std::size_t i = 0; i < size_; ++i) {
    watches_[i].task->drop_reference();
  }
}

void TaskSet::add(TaskBase& task) noexcept {
  task.add_reference();
  watches_[size_].set = this;
  watches_[size_].task = &task;
  ++size_;
}

void TaskSet::require_waitable_by(const TaskBase& waiter) const {
  for (std::size_t i = 0; i < size_; ++i) {
    if (&task(i) == &waiter) {
      throw std::logic_error("a task can't wait for itself");
    }
    if (&task(i).loop() != &waiter.loop()) {
      throw std::logic_error("a task of another loop: await it in a coroutine of this one");
    }
  }
}

void TaskSet::watch() noexcept {
  for (std::size_t i = 0; i < size_; ++i) {
    if (!task(i).ended()) {
      task(i).waiters().add(watches_[i]);
      watches_[i].listed = true;
    }
  }
}

void TaskSet::forget() noexcept {
  for (std::size_t i = 0; i < size_; ++i) {
    if (std::exchange(watches_[i].listed, false)) {
      task(i).waiters().remove(watches_[i]);
    }
  }
}

void TaskSet::Watch::on_completion() noexcept {
  listed = false;
  set->task_ended(static_cast<std::size_t>(this - set->watches_.get()));
}

}  // namespace simul::detail
