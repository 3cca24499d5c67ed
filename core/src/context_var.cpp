#include <simul/context_var.hpp>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <vector>

#include <simul/detail/task_base.hpp>

#include "loop_access.hpp"

namespace simul::detail {
namespace {

[[gnu::tls_model("initial-exec")]] thread_local constinit const ContextRef* t_of_job = nullptr;

TaskBase* task_here() noexcept {
  Loop* loop = Loop::current_or_null();
  return loop != nullptr ? LoopAccess::current_task(*loop) : nullptr;
}

const ContextRef* context_here() noexcept {
  const TaskBase* task = task_here();
  return task != nullptr ? &task->context() : t_of_job;
}

std::uint64_t next_id() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

/// Few variables are set at a time, so a scan of a flat table is the quickest lookup.
class Context {
 public:
  struct Entry {
    std::uint64_t variable;
    std::shared_ptr<const void> value;
  };
  std::vector<Entry> entries;
  mutable std::atomic<std::uint32_t> references{1};
};

ContextRef ContextRef::here() noexcept {
  const ContextRef* context = context_here();
  return context != nullptr ? *context : ContextRef();
}

void ContextRef::add_reference() const noexcept {
  context_->references.fetch_add(1, std::memory_order_relaxed);
}

void ContextRef::drop_reference() noexcept {
  if (context_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    delete context_;
  }
}

const std::shared_ptr<const void>* ContextRef::find(std::uint64_t variable) const noexcept {
  if (context_ == nullptr) {
    return nullptr;
  }
  const auto found = std::ranges::find(context_->entries, variable, &Context::Entry::variable);
  return found != context_->entries.end() ? &found->value : nullptr;
}

ContextRef ContextRef::with(std::uint64_t variable, std::shared_ptr<const void> value) const {
  auto changed = std::make_unique<Context>();
  if (context_ != nullptr) {
    changed->entries.reserve(context_->entries.size() + 1);
    std::ranges::copy_if(context_->entries, std::back_inserter(changed->entries),
                         [&](const Context::Entry& entry) { return entry.variable != variable; });
  }
  if (value != nullptr) {
    changed->entries.emplace_back(variable, std::move(value));
  }
  return changed->entries.empty() ? ContextRef() : ContextRef(changed.release());
}

JobContext::JobContext(const ContextRef& context) noexcept
    : outer_(std::exchange(t_of_job, &context)) {}
JobContext::~JobContext() { t_of_job = outer_; }

ContextVarBase::ContextVarBase(std::string name) : name_(std::move(name)), id_(next_id()) {}

const void* ContextVarBase::find() const noexcept {
  const ContextRef* context = context_here();
  const auto* value = context != nullptr ? context->find(id_) : nullptr;
  return value != nullptr ? value->get() : nullptr;
}

ContextToken ContextVarBase::replace(std::shared_ptr<const void> value) const {
  TaskBase* task = task_here();
  if (task == nullptr) {
    throw std::logic_error("context variable '" + name_ + "' can be set inside a task only");
  }
  const ContextRef before = task->context();
  task->set_context(before.with(id_, std::move(value)));
  return ContextToken(id_, *task, before, task->context());
}

void ContextVarBase::restore(ContextToken token) const {
  TaskBase* task = task_here();
  if (token.variable_ != id_ || token.task_ != task) {
    throw std::logic_error("context variable '" + name_ +
                           "' can be reset with a token of its own, in the task that set it");
  }
  if (task->context() == token.after_) {  // as always if they are nested: nothing is allocated
    task->set_context(std::move(token.before_));
    return;
  }
  const auto* value = token.before_.find(id_);
  task->set_context(task->context().with(id_, value != nullptr ? *value : nullptr));
}

void ContextVarBase::throw_missing() const {
  throw std::logic_error("context variable '" + name_ + "' has no value here and no default");
}

}  // namespace simul::detail
