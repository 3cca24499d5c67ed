#include <simul/leaf.hpp>

#include <simul/cancelled.hpp>
#include <simul/detail/task_base.hpp>

namespace simul {

void Leaf::wake() noexcept { task_->wake(); }
void Leaf::suspend() noexcept { task_->suspend_at(*this); }
bool Leaf::scope_cancelled() const noexcept { return task_->scope_cancelled(); }
Loop& Leaf::loop() const noexcept { return task_->loop(); }

void Leaf::bind_to(detail::PromiseBase& promise) noexcept { bind(promise); }

void Leaf::throw_cancelled() const { throw Cancelled(task_->innermost_scope().reason()); }

}  // namespace simul
