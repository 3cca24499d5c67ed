// TurnLeaf: takes something at once if it can be had, and else waits in a line for it.
//
//   class Acquire final : public detail::TurnLeaf {
//     bool await_ready() { check_cancelled(); return attempt(); }
//     bool take() noexcept override { return semaphore_.take(); }
//   };
//   // whoever gives something back serves the first in line, if there is one: then it is never free
//   // while somebody waits, and nobody can snatch it
//
// An attempt counts against the budget of the task's step, so that a task that always gets what it
// wants lets the others run as well.
#pragma once

#include <coroutine>

#include <simul/detail/wait_list.hpp>
#include <simul/export.hpp>

namespace simul::detail {

class SIMUL_EXPORT TurnLeaf : public WaitingLeaf {
 public:
  void await_suspend(std::coroutine_handle<>) noexcept;

 protected:
  explicit TurnLeaf(WaitList& line) noexcept : line_(line) {}
  ~TurnLeaf() = default;

  /// For await_ready, after check_cancelled(). False: it has to wait, for this step is used up or
  /// there is nothing to take.
  [[nodiscard]] bool attempt() noexcept;

 private:
  /// True: it is taken. False: nothing happened. Isn't called for a leaf that was served.
  virtual bool take() noexcept = 0;

  bool on_wake() noexcept final;
  bool on_cancel() noexcept final;

  WaitList& line_;
  bool step_is_used_up_ = false;
};

}  // namespace simul::detail
