#include <simul/call_graph.hpp>

#include <malloc.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string_view>
#include <unordered_set>

#include <simul/loop.hpp>
#include <simul/sleep.hpp>
#include <simul/task_group.hpp>

#include "coarse_time.hpp"
#include "function_label.hpp"
#include "inspect/task_sketch.hpp"
#include "loop_access.hpp"
#include "task_walk.hpp"

namespace simul {
namespace detail {
namespace {

constexpr std::size_t kShownCallers = 20;

std::uintptr_t id_of(const TaskBase* task) noexcept {
  return reinterpret_cast<std::uintptr_t>(task);
}

bool is_machinery(const PromiseBase& promise) noexcept {
  return detail::is_machinery(promise.site);
}

std::string seconds(Duration time) {
  std::string text = std::to_string(std::chrono::duration<double>(time).count());
  text.resize(text.find('.') + 4);
  return text + " s";
}

}  // namespace

const TaskBase* TaskBase::parent() const noexcept { return group().scope().opened_by(); }

std::string TaskBase::label() const {
  if (!name().empty()) {
    return std::string(name());
  }
  const PromiseBase* outermost = nullptr;
  if (!ended()) {
    for (const PromiseBase* promise = resume_; promise != nullptr; promise = promise->caller) {
      outermost = is_machinery(*promise) ? outermost : promise;
    }
  }
  return outermost != nullptr ? function_label(outermost->site) + "_task"
                              : std::string(kUnknownTask);
}

std::string TaskBase::description_of_wait() const {
  std::string text = leaf_->waits_for();
  const WaitDetail detail = leaf_->wait_detail();
  if (detail.descriptor >= 0) {
    text += " fd " + std::to_string(detail.descriptor);
  }
  if (detail.task != nullptr) {
    text += (text == "task" ? " " : " of ") + detail.task->label();
  }
  if (detail.until != kNever) {
    const Duration left = detail.until - LoopAccess::last_now(*loop_);
    text += ", " + seconds(std::max(left, Duration::zero())) + " left";
  }
  return text;
}

bool TaskBase::only_yields() const noexcept {
  return queued_ && leaf_ != nullptr && leaf_->only_yields();
}

std::string TaskBase::backtrace() const {
  if (leaf_ == nullptr) {
    return queued_ ? "its turn" : "nothing, it runs";
  }
  return where_it_stands();
}

std::string TaskBase::where_it_stands() const {
  std::string text = description_of_wait();
  const char* link = " at ";
  std::size_t shown = 0;
  for (const PromiseBase* promise = resume_; promise != nullptr; promise = promise->caller) {
    if (is_machinery(*promise) && promise->caller != nullptr) {
      continue;
    }
    if (++shown > kShownCallers) {
      text += " and others";
      break;
    }
    text += link + place(promise->site);
    link = ", called from ";
  }
  return text;
}

TaskInfo TaskBase::info() const {
  TaskInfo info;
  info.id = id_of(this);
  info.parent = id_of(parent());
  info.name = label();
  info.since = since_coarse(since_, LoopAccess::last_now(*loop_));
  info.wake_ups = wake_ups_;
  info.note = note();
  if (LoopAccess::current_task(*loop_) == this) {
    info.activity = TaskActivity::running;
  } else if (!queued_ && leaf_ != nullptr) {
    info.activity = TaskActivity::waiting;
    info.waits_for = description_of_wait();
    info.awaited = id_of(leaf_->wait_detail().task);
  }
  for (PromiseBase* promise = resume_; promise != nullptr; promise = promise->caller) {
    info.frame_bytes += malloc_usable_size(handle_of(*promise).address());
    if (info.calls.size() < kShownCallers && !is_machinery(*promise)) {
      info.calls.push_back(promise->site);
    }
  }
  if (scope_.extras_ && scope_.extras_->times.counted_from != TimePoint()) {
    const StepTimes& times = scope_.extras_->times;
    info.times = {.busy = times.busy,
                  .idle = LoopAccess::last_now(*loop_) - times.counted_from - times.busy};
  }
  return info;
}

TaskSketch TaskBase::sketch(MachineryCache& machinery) const {
  TaskSketch sketch;
  sketch.id = id_of(this);
  sketch.name = name();
  if (!queued_ && leaf_ != nullptr) {
    sketch.activity = TaskActivity::waiting;
    sketch.waits_for = leaf_->waits_for();
  }
  for (PromiseBase* promise = resume_; promise != nullptr; promise = promise->caller) {
    sketch.frame_bytes += malloc_usable_size(handle_of(*promise).address());
    if (!machinery.contains(promise->site)) {
      sketch.outermost = promise->site;
      if (sketch.innermost.line() == 0) {
        sketch.innermost = promise->site;
      }
    }
  }
  sketch.since = since_coarse(since_, LoopAccess::last_now(*loop_));
  sketch.wake_ups = wake_ups_;
  sketch.busy = scope_.extras_ ? scope_.extras_->times.busy : Duration::zero();
  return sketch;
}

bool MachineryCache::contains(const std::source_location& site) {
  const auto [known, is_new] = known_.try_emplace(site.function_name());
  if (is_new) {
    known->second = is_machinery(site);
  }
  return known->second;
}

std::string TaskSketch::label() const {
  if (!name.empty()) {
    return name;
  }
  return outermost.line() == 0 ? std::string(TaskBase::kUnknownTask)
                               : function_label(outermost) + "_task";
}

}  // namespace detail

namespace {

using detail::TaskAccess;
using detail::TaskBase;

constexpr std::string_view kIndent = "  ";
/// What is deeper stands under each other: else a long chain would have its square in bytes.
constexpr std::size_t kDeepestIndent = 64;

std::string activity_of(const TaskInfo& task) {
  switch (task.activity) {
    case TaskActivity::running:
      return "running";
    case TaskActivity::ready:
      return "ready";
    case TaskActivity::waiting:
      return "waits for " + task.waits_for;
  }
}

void append_line(std::string& text, std::size_t depth, std::string_view line) {
  for (depth = std::min(depth, kDeepestIndent); depth > 0; --depth) {
    text += kIndent;
  }
  text += line;
  text += '\n';
}

/// The task, and below it its coroutines, the outermost first.
void append_task(std::string& text, std::size_t depth, const TaskInfo& task) {
  append_line(text, depth, task.name + (task.note.empty() ? "" : ": " + task.note));
  for (auto call = task.calls.rbegin(); call != task.calls.rend(); ++call) {
    append_line(text, depth + 1, function_label(*call) + "() at " + place(*call));
  }
  append_line(text, depth + 1, activity_of(task));
}

/// Follows who waits for whom. Tasks that wait for each other in a ring must not be followed for ever, and those
/// that many ways lead to only on one of them: there are soon more ways than tasks.
class Graphs {
 public:
  CallGraph of(const TaskBase& task) {
    CallGraph graph{.task = task.info(), .awaited_by = {}};
    if (path_.size() == kDeepest || !followed_.insert(&task).second) {
      return graph;
    }
    path_.push_back(&task);
    bool parent_waits = false;
    task.waiters().for_each_task([&](const TaskBase& waiter) {
      parent_waits = parent_waits || &waiter == task.parent();
      add(graph, waiter);
    });
    if (task.parent() != nullptr && !parent_waits) {
      add(graph, *task.parent());
    }
    path_.pop_back();
    return graph;
  }

 private:
  static constexpr std::size_t kDeepest = 1'000;

  void add(CallGraph& graph, const TaskBase& waiter) {
    if (std::ranges::find(path_, &waiter) == path_.end()) {
      graph.awaited_by.push_back(of(waiter));
    }
  }

  std::vector<const TaskBase*> path_;
  std::unordered_set<const TaskBase*> followed_;
};

void append_graph(std::string& text, std::size_t depth, const CallGraph& graph) {
  append_task(text, depth, graph.task);
  for (const CallGraph& waiter : graph.awaited_by) {
    append_line(text, depth + 1, "awaited by");
    append_graph(text, depth + 2, waiter);
  }
}

}  // namespace

TaskInfo task_info(const AnyTask& task) {
  if (task.done()) {
    throw std::logic_error("a task that has ended stands nowhere");
  }
  return TaskAccess::state(task).info();
}

std::vector<TaskInfo> task_infos(const Loop& loop) {
  std::vector<TaskInfo> infos;
  infos.reserve(loop.task_count());
  for (const AnyTask& task : loop.all_tasks()) {
    infos.push_back(TaskAccess::state(task).info());
  }
  return infos;
}

Coro<> visit_tasks(std::function<void(const TaskInfo&)> visit) {
  constexpr std::size_t kAtOnce = 32;
  detail::TaskWalk walk(Loop::current());
  std::vector<TaskInfo> infos;
  for (bool more = true; more;) {
    more = walk.go_on(kAtOnce, [&](const TaskBase& task) { infos.push_back(task.info()); });
    for (const TaskInfo& info : infos) {
      visit(info);
    }
    infos.clear();
    co_await yield_now();
  }
}

CallGraph call_graph(const AnyTask& task) {
  if (task.done()) {
    throw std::logic_error("a task that has ended stands nowhere");
  }
  return Graphs().of(TaskAccess::state(task));
}

CallGraph call_graph() { return call_graph(current_task()); }

std::string to_string(const CallGraph& graph) {
  std::string text;
  append_graph(text, 0, graph);
  return text;
}

std::string to_string(const std::vector<TaskInfo>& tasks) {
  std::unordered_set<std::uintptr_t> shown;
  for (const TaskInfo& task : tasks) {
    shown.insert(task.id);
  }
  std::multimap<std::uintptr_t, const TaskInfo*> children;
  for (const TaskInfo& task : tasks) {
    children.emplace(shown.contains(task.parent) ? task.parent : 0, &task);
  }
  std::string text;
  auto append_children = [&](auto& self, std::uintptr_t parent, std::size_t depth) -> void {
    const auto [first, last] = children.equal_range(parent);
    for (auto child = first; child != last; ++child) {
      append_task(text, depth, *child->second);
      self(self, child->second->id, depth + 1);
    }
  };
  append_children(append_children, 0, 0);
  return text;
}

void print_call_graph(const AnyTask& task, std::FILE* file) {
  std::fputs(to_string(call_graph(task)).c_str(), file);
}

void print_call_graph(std::FILE* file) { print_call_graph(current_task(), file); }

}  // namespace simul
