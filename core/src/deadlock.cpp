#include "deadlock.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <vector>

#include <simul/any_task.hpp>
#include <simul/call_graph.hpp>
#include <simul/detail/task_access.hpp>

#include "loop_access.hpp"

namespace simul::detail {
namespace {

constexpr std::size_t kShownTasks = 50;

const TaskBase* awaited_by(const TaskBase& task) {
  const Leaf* leaf = task.waits_at();
  return leaf != nullptr ? leaf->wait_detail().task : nullptr;
}

/// The tasks that wait for each other in a ring, from `start`; empty if that isn't in one.
std::vector<const TaskBase*> ring_from(const TaskBase& start) {
  std::vector<const TaskBase*> ring;
  for (const TaskBase* task = &start; task != nullptr; task = awaited_by(*task)) {
    if (!ring.empty() && task == &start) {
      return ring;
    }
    if (std::ranges::find(ring, task) != ring.end()) {
      break;  // it leads to a ring of others
    }
    ring.push_back(task);
  }
  return {};
}

std::string describe_ring(const std::vector<const TaskBase*>& ring) {
  std::string text = "a ring: ";
  for (const TaskBase* task : ring) {
    text += task->label() + " waits for ";
  }
  return text + ring.front()->label() + '\n';
}

}  // namespace

bool is_only_thread() {
  std::error_code error;
  const std::filesystem::directory_iterator threads("/proc/self/task", error);
  return !error && std::distance(begin(threads), end(threads)) == 1;
}

Deadlock find_deadlock(const Loop& loop) {
  if (loop.task_count() == 0) {
    return Deadlock::none;
  }
  if (is_only_thread()) {
    return Deadlock::certain;
  }
  if (loop.mailbox().use_count() > 1) {
    return Deadlock::none;  // a handle on another loop
  }
  const std::vector<AnyTask> tasks = loop.all_tasks();
  const bool others_may_help = std::ranges::any_of(tasks, [](const AnyTask& task) {
    const Leaf* leaf = TaskAccess::state(task).waits_at();
    return leaf == nullptr || leaf->wait_detail().from_any_thread;
  });
  return others_may_help ? Deadlock::none : Deadlock::possible;
}

std::string describe_deadlock(const Loop& loop, Deadlock deadlock) {
  const std::size_t count = loop.task_count();
  std::string text = "deadlock: " + std::to_string(count) +
                     (count == 1 ? " task waits" : " tasks wait") + ", and nothing on " +
                     (count == 1 ? "its" : "their") + " loop can wake " +
                     (count == 1 ? "it" : "them");
  text += deadlock == Deadlock::certain ? "\n" : "; only another thread could\n";
  std::vector<TaskInfo> infos;
  std::vector<const TaskBase*> in_rings;
  for (const AnyTask& handle : loop.all_tasks()) {
    const TaskBase& task = TaskAccess::state(handle);
    if (infos.size() < kShownTasks) {
      infos.push_back(task.info());
    }
    if (std::ranges::find(in_rings, &task) == in_rings.end()) {
      const std::vector<const TaskBase*> ring = ring_from(task);
      text += ring.empty() ? "" : describe_ring(ring);
      in_rings.insert(in_rings.end(), ring.begin(), ring.end());
    }
  }
  text += to_string(infos);
  if (infos.size() < loop.task_count()) {
    text += "and " + std::to_string(loop.task_count() - infos.size()) + " others\n";
  }
  text.pop_back();
  return text;
}

}  // namespace simul::detail
