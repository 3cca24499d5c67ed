// Who is to be told that something has ended: a task, a future. First come, first told.
#pragma once

#include <utility>

#include <simul/export.hpp>

namespace simul::detail {

class TaskBase;

/// An awaiting leaf, a messenger to another loop, a callback.
class SIMUL_EXPORT CompletionWaiter {
 public:
  CompletionWaiter(const CompletionWaiter&) = delete;
  CompletionWaiter& operator=(const CompletionWaiter&) = delete;

 protected:
  CompletionWaiter() noexcept = default;
  ~CompletionWaiter() = default;

 private:
  friend class CompletionWaiters;
  /// The task that waits; null: something else does, or a task of another loop.
  [[nodiscard]] virtual TaskBase* waiting_task() const noexcept { return nullptr; }
  /// Called once; it left the list already and may delete itself.
  virtual void on_completion() noexcept = 0;

  CompletionWaiter* next_ = nullptr;  // a ring: the last one's is the first
  CompletionWaiter* previous_ = nullptr;
};

class CompletionWaiters {
 public:
  CompletionWaiters() noexcept = default;
  CompletionWaiters(const CompletionWaiters&) = delete;
  CompletionWaiters& operator=(const CompletionWaiters&) = delete;

  void add(CompletionWaiter& waiter) noexcept {
    if (first_ == nullptr) {
      first_ = waiter.next_ = waiter.previous_ = &waiter;
      return;
    }
    waiter.next_ = first_;
    waiter.previous_ = std::exchange(first_->previous_, &waiter);
    waiter.previous_->next_ = &waiter;
  }
  /// It must be in the list.
  void remove(CompletionWaiter& waiter) noexcept {
    waiter.previous_->next_ = waiter.next_;
    waiter.next_->previous_ = waiter.previous_;
    if (first_ == &waiter) {
      first_ = waiter.next_ == &waiter ? nullptr : waiter.next_;
    }
  }
  /// Calls `visit(TaskBase&)` for each task that waits, in order.
  template <typename Visit>
  void for_each_task(Visit visit) const {
    for (const CompletionWaiter* waiter = first_; waiter != nullptr;) {
      if (TaskBase* task = waiter->waiting_task()) {
        visit(*task);
      }
      waiter = waiter->next_ != first_ ? waiter->next_ : nullptr;
    }
  }
  void tell_all() noexcept {
    while (first_ != nullptr) {
      CompletionWaiter& waiter = *first_;
      remove(waiter);
      waiter.on_completion();
    }
  }

 private:
  CompletionWaiter* first_ = nullptr;
};

}  // namespace simul::detail
