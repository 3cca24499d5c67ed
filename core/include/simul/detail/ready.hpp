// What stands in a loop's ready queue: a task to step, or a callback. Intrusive, so that waking a
// task allocates nothing.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include <simul/export.hpp>

namespace simul {
class Loop;
}

namespace simul::detail {

class StepObserver;

class SIMUL_EXPORT Ready {
 public:
  Ready(const Ready&) = delete;
  Ready& operator=(const Ready&) = delete;

  /// What it is, for people.
  [[nodiscard]] virtual std::string label() const;

 protected:
  Ready() noexcept = default;
  ~Ready() = default;

 private:
  friend class ReadyQueue;
  friend class simul::Loop;
  /// Its turn has come; it left the queue already and may delete itself.
  virtual void run_ready() noexcept = 0;
  /// The same, when somebody looks on.
  virtual void run_observed(StepObserver& observer) noexcept;

  Ready* next_ = nullptr;
};

/// First in, first out.
class ReadyQueue {
 public:
  ReadyQueue() noexcept = default;
  ReadyQueue(const ReadyQueue&) = delete;
  ReadyQueue& operator=(const ReadyQueue&) = delete;

  void push(Ready& entry) noexcept {
    entry.next_ = nullptr;
    *tail_ = &entry;
    tail_ = &entry.next_;
    ++size_;
  }
  /// The queue must not be empty.
  Ready& pop() noexcept {
    Ready* first = std::exchange(head_, head_->next_);
    if (head_ == nullptr) {
      tail_ = &head_;
    }
    --size_;
    return *first;
  }
  /// Calls `visit(const Ready&)` for each, in order.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (const Ready* entry = head_; entry != nullptr; entry = entry->next_) {
      visit(*entry);
    }
  }
  /// Puts the entry that stands at `index` in front of all others.
  void bring_forward(std::size_t index) noexcept {
    Ready** link = &head_;
    for (; index > 0; --index) {
      link = &(*link)->next_;
    }
    if (link == &head_) {
      return;
    }
    Ready* chosen = std::exchange(*link, (*link)->next_);
    if (*link == nullptr) {
      tail_ = link;
    }
    chosen->next_ = std::exchange(head_, chosen);
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }

 private:
  Ready* head_ = nullptr;
  Ready** tail_ = &head_;
  std::size_t size_ = 0;
};

}  // namespace simul::detail
