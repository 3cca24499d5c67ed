// WaitList: leaves that wait, first come, first served. Intrusive, so that waiting allocates nothing
// and whoever is cancelled leaves in constant time.
//
//   void await_suspend(std::coroutine_handle<>) { suspend(); gate_.waiters_.push(*this); }
//   bool on_cancel() noexcept override { gate_.waiters_.remove(*this); return true; }
//   void Gate::open() { while (!waiters_.empty()) { waiters_.serve_first(); } }
//
// For the tasks of one loop.
#pragma once

#include <cassert>
#include <cstddef>
#include <utility>

#include <simul/export.hpp>
#include <simul/leaf.hpp>

namespace simul::detail {

/// A leaf that can stand in a WaitList, in one at a time.
class SIMUL_EXPORT WaitingLeaf : public Leaf {
 protected:
  WaitingLeaf() noexcept = default;
  ~WaitingLeaf() = default;

  /// Was it given what it waited for? Then it has left the list, and its task is on the ready queue:
  /// no cancellation will take that away.
  [[nodiscard]] bool served() const noexcept { return served_; }

 private:
  friend class WaitList;

  WaitingLeaf* previous_ = nullptr;
  WaitingLeaf* next_ = nullptr;
  bool served_ = false;
};

class WaitList {
 public:
  WaitList() noexcept = default;
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;
  ~WaitList() { assert(empty() && "destroyed while a task waits in it"); }

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// The one that has waited longest. The list must not be empty.
  [[nodiscard]] WaitingLeaf& front() const noexcept { return *first_; }
  [[nodiscard]] static TaskBase& task_of(const WaitingLeaf& leaf) noexcept { return leaf.task(); }

  void push(WaitingLeaf& leaf) noexcept {
    leaf.previous_ = std::exchange(last_, &leaf);
    leaf.next_ = nullptr;
    leaf.served_ = false;  // it may be awaited once more
    (leaf.previous_ != nullptr ? leaf.previous_->next_ : first_) = &leaf;
    ++size_;
  }
  /// It must stand in this list.
  void remove(WaitingLeaf& leaf) noexcept {
    (leaf.previous_ != nullptr ? leaf.previous_->next_ : first_) = leaf.next_;
    (leaf.next_ != nullptr ? leaf.next_->previous_ : last_) = leaf.previous_;
    --size_;
  }
  /// The first one leaves with what it waited for, and is woken. The list must not be empty.
  void serve_first() noexcept {
    WaitingLeaf& leaf = front();
    remove(leaf);
    leaf.served_ = true;
    leaf.wake();
  }

 private:
  WaitingLeaf* first_ = nullptr;
  WaitingLeaf* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace simul::detail
