#include <simul/detail/turn_leaf.hpp>

#include "loop_access.hpp"

namespace simul::detail {

bool TurnLeaf::attempt() noexcept {
  step_is_used_up_ = !LoopAccess::budget(loop()).take_attempt();
  return !step_is_used_up_ && take();
}

void TurnLeaf::await_suspend(std::coroutine_handle<>) noexcept {
  suspend();
  if (step_is_used_up_) {
    wake();
    LoopAccess::poll_next(loop());
  } else {
    line_.push(*this);
  }
}

bool TurnLeaf::on_wake() noexcept {
  if (served()) {
    return true;
  }
  // It has let the others run, and tries only now.
  if (scope_cancelled()) {
    mark_cancelled();
    return true;
  }
  if (take()) {
    return true;
  }
  line_.push(*this);
  return false;
}

bool TurnLeaf::on_cancel() noexcept {
  line_.remove(*this);
  return true;
}

}  // namespace simul::detail
