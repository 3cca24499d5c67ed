#include <simul/detail/shared_leaf.hpp>

#include <memory>

#include "loop_access.hpp"

namespace simul::detail {

bool SharedLeaf::await_suspend(std::coroutine_handle<>) noexcept {
  if (!LoopAccess::budget(loop()).take_attempt()) [[unlikely]] {
    yields_ = true;
    suspend();
    wake();
    return true;
  }
  if (attempt()) {
    return false;
  }
  suspend();  // a wake-up may be on its way already: it can't arrive before this step is over
  return true;
}

bool SharedLeaf::attempt() noexcept {
  WakeList woken;
  const std::lock_guard lock(mutex_);
  return finish_or_wait(woken);
}

bool SharedLeaf::on_wake() noexcept {
  if (!yields_) [[likely]] {
    return true;
  }
  yields_ = false;
  if (scope_cancelled()) {
    mark_cancelled();
    return true;
  }
  return attempt();
}

bool SharedLeaf::on_cancel() noexcept {
  const std::lock_guard lock(mutex_);
  if (list_ == nullptr) {
    return false;  // something was handed over, the wake-up is on its way
  }
  list_->remove(*this);
  return true;
}

void SharedLeaf::wake_at_home() noexcept {
  Loop& home = loop();
  if (is_current(home)) {
    wake();
    return;
  }
  // Kept: with the entry in it the loop can end at once, before post() has left its mutex.
  const std::shared_ptr<Mailbox> mailbox = home.mailbox();
  mailbox->post(static_cast<Ready&>(*this));
}

}  // namespace simul::detail
