// The leaf of all that wait for a task's end.
#pragma once

#include <coroutine>
#include <memory>

#include <simul/detail/completion.hpp>
#include <simul/detail/mailbox.hpp>
#include <simul/detail/task_base.hpp>
#include <simul/export.hpp>
#include <simul/leaf.hpp>

namespace simul::detail {

/// Waits for a task's end. Cancel safety: the task isn't cancelled with its waiter.
class SIMUL_EXPORT TaskLeaf : public Leaf, private CompletionWaiter {
 public:
  TaskLeaf(TaskBase& awaited, const std::shared_ptr<Mailbox>& remote) noexcept
      : awaited_(awaited), remote_(remote) {}

  bool await_ready();
  void await_suspend(std::coroutine_handle<>);
  [[nodiscard]] const char* waits_for() const noexcept final { return "task"; }
  [[nodiscard]] WaitDetail wait_detail() const noexcept final { return {.task = &awaited_}; }

 protected:
  ~TaskLeaf() {
    if (holds_) {
      awaited_.drop_reference();
    }
  }
  /// Throws what has to be thrown besides the task's own exception.
  void check_outcome();
  bool on_cancel() noexcept override;
  /// For `remote`: the task runs on this loop.
  static const std::shared_ptr<Mailbox> kHere;

  TaskBase& awaited_;

 private:
  class Messenger;
  void on_completion() noexcept final { wake(); }
  [[nodiscard]] TaskBase* waiting_task() const noexcept final { return &task(); }

  const std::shared_ptr<Mailbox>& remote_;  // null: the task runs on this loop
  Messenger* messenger_ = nullptr;
  bool holds_ = false;  // a reference: the handle may be dropped while its task is awaited
};

}  // namespace simul::detail
