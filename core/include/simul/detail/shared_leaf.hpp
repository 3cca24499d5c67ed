// A leaf whose wake-up may come from any thread: what waits in a channel. The channel's mutex guards
// who waits; whoever hands something over unlinks the leaf under it, and wakes it after unlocking.
//
// From the hand-over on the wake-up belongs to whoever made it: a cancellation that comes meanwhile
// answers "you will be resumed", so the leaf can't die before it has arrived. Nothing is allocated: a
// leaf is its own entry in the mailbox of its loop.
#pragma once

#include <coroutine>
#include <mutex>
#include <utility>

#include <simul/detail/ready.hpp>
#include <simul/export.hpp>
#include <simul/leaf.hpp>

namespace simul::detail {

class SharedLeafList;
class WakeList;

class SIMUL_EXPORT SharedLeaf : public Leaf, private Ready {
 public:
  bool await_ready() const {
    check_cancelled();
    return false;
  }
  bool await_suspend(std::coroutine_handle<>) noexcept;
  [[nodiscard]] WaitDetail wait_detail() const noexcept override {
    return {.from_any_thread = true};
  }

 protected:
  explicit SharedLeaf(std::mutex& mutex) noexcept : mutex_(mutex) {}
  ~SharedLeaf() = default;

  bool on_wake() noexcept override;

 private:
  friend class SharedLeafList;
  friend class WakeList;

  /// True: the outcome is here. False: it has put itself into a list. The mutex is held; whom it has
  /// handed something goes to `woken`.
  virtual bool finish_or_wait(WakeList& woken) noexcept = 0;

  bool attempt() noexcept;
  bool on_cancel() noexcept final;
  void run_ready() noexcept final { wake(); }
  void wake_at_home() noexcept;

  std::mutex& mutex_;
  SharedLeafList* list_ = nullptr;  // where it waits; guarded by the mutex, as are the links
  SharedLeaf* next_ = nullptr;
  SharedLeaf* previous_ = nullptr;
  bool yields_ = false;  // it was queued because the step's budget was spent, and hasn't tried yet
};

/// Who waits, first in, first out. Guarded by the channel's mutex.
class SIMUL_EXPORT SharedLeafList {
 public:
  SharedLeafList() noexcept = default;
  SharedLeafList(const SharedLeafList&) = delete;
  SharedLeafList& operator=(const SharedLeafList&) = delete;

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  void push_back(SharedLeaf& leaf) noexcept {
    leaf.list_ = this;
    leaf.next_ = nullptr;
    leaf.previous_ = last_;
    (last_ != nullptr ? last_->next_ : first_) = &leaf;
    last_ = &leaf;
  }
  /// Null: nobody waits.
  SharedLeaf* pop_front() noexcept {
    SharedLeaf* leaf = first_;
    if (leaf != nullptr) {
      remove(*leaf);
    }
    return leaf;
  }
  void remove(SharedLeaf& leaf) noexcept {
    (leaf.next_ != nullptr ? leaf.next_->previous_ : last_) = leaf.previous_;
    (leaf.previous_ != nullptr ? leaf.previous_->next_ : first_) = leaf.next_;
    leaf.list_ = nullptr;
  }

 private:
  SharedLeaf* first_ = nullptr;
  SharedLeaf* last_ = nullptr;
};

/// Who was handed something under the mutex. Stands before the lock, so that its end, which wakes
/// them in order, comes after the unlocking.
class SIMUL_EXPORT WakeList {
 public:
  WakeList() noexcept = default;
  WakeList(const WakeList&) = delete;
  WakeList& operator=(const WakeList&) = delete;
  ~WakeList() {
    while (first_ != nullptr) {
      // Once woken it may be gone.
      std::exchange(first_, first_->next_)->wake_at_home();
    }
  }

  /// Of a leaf that was taken out of its list.
  void add(SharedLeaf& leaf) noexcept {
    leaf.next_ = nullptr;
    (last_ != nullptr ? last_->next_ : first_) = &leaf;
    last_ = &leaf;
  }
  void add_all(SharedLeafList& list) noexcept {
    while (SharedLeaf* leaf = list.pop_front()) {
      add(*leaf);
    }
  }

 private:
  SharedLeaf* first_ = nullptr;
  SharedLeaf* last_ = nullptr;
};

}  // namespace simul::detail
