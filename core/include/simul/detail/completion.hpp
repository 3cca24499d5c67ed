// Who is to be told that something has ended: a task, a future. First come, first told.
#pragma once

#include <utility>

#include <simul/export.hpp>

namespace simul::detail {

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
