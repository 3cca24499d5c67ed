#include <simul/cancel_scope.hpp>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <chrono>

#include <simul/detail/task_base.hpp>
#include <simul/loop.hpp>

namespace simul {

TaskCancelled::~TaskCancelled() = default;
InvalidState::~InvalidState() = default;
TimedOut::~TimedOut() = default;

CancelScope::~CancelScope() { abandon(); }

void CancelScope::adopt(CancelScope& parent) noexcept {
  parent_ = &parent;
  next_sibling_ = parent.first_child_;
  link_ = &parent.first_child_;
  if (next_sibling_ != nullptr) {
    next_sibling_->link_ = &next_sibling_;
  }
  parent.first_child_ = this;
  if (parent.pierced_) {
    pierce();
  } else if (parent.cancelled_) {
    on_outer_cancelled();
  }
}

void CancelScope::abandon() noexcept {
  if (first_child_ != nullptr) [[unlikely]] {
    move_marks_out();
  }
  if (link_ != nullptr) {
    unlink();
    task_ = nullptr;
  }
}

void CancelScope::unlink() noexcept {
  if (link_ == nullptr) {
    return;
  }
  *link_ = next_sibling_;
  if (next_sibling_ != nullptr) {
    next_sibling_->link_ = link_;
  }
  link_ = nullptr;
}

/// A walk that stands inside goes on behind this scope.
void CancelScope::move_marks_out() noexcept {
  while (CancelScope* const mark = first_child_) {
    assert(mark->mark_ && "a scope ends after what it contains");
    mark->unlink();
    if (link_ == nullptr) {
      continue;  // this is the tree's root: the walk is over
    }
    mark->parent_ = parent_;
    mark->link_ = &next_sibling_;
    mark->next_sibling_ = next_sibling_;
    next_sibling_ = mark;
    if (mark->next_sibling_ != nullptr) {
      mark->next_sibling_->link_ = &mark->next_sibling_;
    }
  }
}

CancelScope::Extras& CancelScope::extras() {
  if (!extras_) {
    auto extras = std::make_unique<Extras>();
    std::atomic_signal_fence(std::memory_order_release);
    extras_ = std::move(extras);
  }
  return *extras_;
}

void CancelScope::cancel(std::string_view reason) {
  if (cancel_called_) {
    return;
  }
  cancel_called_ = true;
  extras().reason = reason;
  apply();
}

void CancelScope::apply() noexcept {
  if (cancelled_) {
    return;
  }
  cancelled_ = true;
  for (CancelScope* child = first_child_; child != nullptr; child = child->next_sibling_) {
    child->on_outer_cancelled();
  }
  if (task_ != nullptr && task_->innermost_ == this) {
    task_->deliver_cancel();
  }
}

void CancelScope::pierce() noexcept {
  pierced_ = true;
  apply();
  for (CancelScope* child = first_child_; child != nullptr; child = child->next_sibling_) {
    child->pierce();
  }
}

void CancelScope::for_each_task(const std::function<void(detail::TaskBase&)>& visit) const {
  for (const CancelScope* child = first_child_; child != nullptr; child = child->next_sibling_) {
    if (child->task_ != nullptr && child == &child->task_->scope_) {
      visit(*child->task_);
    }
    child->for_each_task(visit);
  }
}

std::string CancelScope::reason() const {
  for (const CancelScope* scope = this; scope != nullptr && scope->cancelled_;
       scope = scope->parent_) {
    if (scope->cancel_called_) {
      return scope->extras_->reason;
    }
  }
  return {};
}

void DeadlineScope::set_deadline(TimePoint deadline) {
  if (deadline_passed_) {
    return;
  }
  wanted_ = deadline;
  if (loop_ != nullptr) {
    arm(*loop_, deadline);
  }
}

void DeadlineScope::on_timer() noexcept {
  if (cancel_called()) {
    return;
  }
  deadline_passed_ = true;
  cancel("deadline");
}

void ShieldScope::on_outer_cancelled() noexcept {
  if (!armed()) {
    arm(task_->loop(), time_after(task_->loop().exact_now(), grace_));
  }
}

void ShieldScope::on_timer() noexcept { apply(); }

ScopeEntry::ScopeEntry(detail::TaskBase& task, CancelScope& scope) noexcept
    : task_(task), scope_(scope) {
  scope.task_ = &task;
  scope.adopt(*task.innermost_);
  task.innermost_ = &scope;
}

ScopeEntry::ScopeEntry(detail::TaskBase& task, DeadlineScope& scope)
    : ScopeEntry(task, static_cast<CancelScope&>(scope)) {
  scope.loop_ = &task.loop();
  if (scope.wanted_ != kNever) {
    scope.arm(*scope.loop_, scope.wanted_);
  }
}

ScopeEntry::ScopeEntry(detail::TaskBase& task, ShieldScope& scope)
    : ScopeEntry(task, static_cast<CancelScope&>(scope)) {}

ScopeEntry::~ScopeEntry() {
  task_.innermost_ = scope_.parent_;
  scope_.abandon();
}

bool ScopeEntry::absorbs() const noexcept {
  return scope_.cancelled_ && !scope_.parent_->cancelled_;
}

namespace detail {

void check_cancelled(TaskBase& task) {
  if (task.scope_cancelled()) {
    throw Cancelled(task.innermost_scope().reason());
  }
}

void throw_timed_out(const DeadlineScope& scope, TimePoint start) {
  if (!scope.deadline_passed()) {
    throw TimedOut("cut off: " + scope.reason());
  }
  const std::chrono::duration<double> wait = scope.deadline() - start;
  throw TimedOut("timed out after " + std::to_string(std::max(wait.count(), 0.0)) + " s");
}

TimePoint now_of(TaskBase& task) noexcept { return task.loop().exact_now(); }

}  // namespace detail
}  // namespace simul
