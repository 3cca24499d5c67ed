#include <simul/as_completed.hpp>

#include <algorithm>
#include <cassert>
#include <stdexcept>

#include "loop_access.hpp"

namespace simul::detail {

void CompletionOrder::begin() {
  loop_ = &Loop::current();
  const TaskBase* current = LoopAccess::current_task(*loop_);
  if (current == nullptr) {
    throw std::logic_error("as_completed: outside of a task");
  }
  require_waitable_by(*current);
  ended_.reserve(size());
  for (std::size_t i = 0; i < size(); ++i) {
    if (task(i).ended()) {
      ended_.push_back({0, i});  // before all others
    }
  }
  watch();
}

CompletionOrder::~CompletionOrder() {
  assert(waiting_ == nullptr && "destroyed while somebody waits for the next task");
}

bool CompletionOrder::one_is_due() const noexcept {
  return given_ < ended_.size() && ended_[given_].turn < LoopAccess::turn(*loop_);
}

void CompletionOrder::task_ended(std::size_t index) noexcept {
  ended_.push_back({LoopAccess::turn(*loop_), index});
  if (waiting_ != nullptr) {
    waiting_->wake();
  }
}

bool CompletionOrder::NextLeaf::await_ready() {
  check_cancelled();
  if (order_.waiting_ != nullptr) {
    throw std::logic_error("as_completed: two tasks wait for the next one at once");
  }
  return order_.given_ == order_.size() || order_.one_is_due();
}

void CompletionOrder::NextLeaf::await_suspend(std::coroutine_handle<>) {
  order_.waiting_ = this;
  suspend();
  if (order_.given_ < order_.ended_.size()) {
    wake();  // in the next turn
  }
}

std::size_t CompletionOrder::NextLeaf::take() {
  if (order_.waiting_ == this) {
    order_.waiting_ = nullptr;
  }
  throw_if_cancelled();
  if (order_.given_ == order_.size()) {
    return order_.size();
  }
  if (order_.given_ == order_.sorted_) {
    const auto first = order_.ended_.begin() + static_cast<std::ptrdiff_t>(order_.given_);
    const auto last = std::find_if(first, order_.ended_.end(),
                                   [&](const Ended& one) { return one.turn != first->turn; });
    std::sort(first, last, [](const Ended& a, const Ended& b) { return a.index < b.index; });
    order_.sorted_ = static_cast<std::size_t>(last - order_.ended_.begin());
  }
  return order_.ended_[order_.given_++].index;
}

bool CompletionOrder::NextLeaf::on_cancel() noexcept {
  order_.waiting_ = nullptr;
  return true;
}

}  // namespace simul::detail
