#include "task_walk.hpp"

#include <simul/task_group.hpp>

#include "loop_access.hpp"

namespace simul::detail {

TaskWalk::TaskWalk(Loop& loop) noexcept {
  mark_ = true;
  if (CancelScope* const first = following(LoopAccess::root(loop).scope())) {
    stop_before(*first);
  }
}

TaskBase* TaskWalk::task_of(const CancelScope& scope) noexcept {
  return scope.task_ != nullptr && &scope == &scope.task_->scope_ ? scope.task_ : nullptr;
}

CancelScope* TaskWalk::following(CancelScope& scope) noexcept {
  return scope.first_child_ != nullptr ? scope.first_child_ : behind(scope);
}

/// As following(), without what is inside.
CancelScope* TaskWalk::behind(const CancelScope& scope) noexcept {
  for (const CancelScope* left = &scope; left != nullptr; left = left->parent_) {
    if (left->next_sibling_ != nullptr) {
      return left->next_sibling_;
    }
  }
  return nullptr;
}

CancelScope* TaskWalk::take_up() noexcept {
  if (link_ == nullptr) {
    return nullptr;  // it was at the end, or the tree is gone
  }
  CancelScope* const next = behind(*this);
  unlink();
  return next;
}

void TaskWalk::stop_before(CancelScope& next) noexcept {
  parent_ = next.parent_;
  next_sibling_ = &next;
  link_ = next.link_;
  *link_ = this;
  next.link_ = &next_sibling_;
}

}  // namespace simul::detail
