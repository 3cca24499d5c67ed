// Where the parts of a program's tasks lie in memory, for who looks at a core file: scripts/gdb/simul.py. It
// reads numbers and follows pointers, so it needs no debug information.
#include <cstddef>
#include <cstdint>

#include <simul/cancel_scope.hpp>
#include <simul/coro.hpp>
#include <simul/detail/task_base.hpp>
#include <simul/export.hpp>
#include <simul/loop.hpp>
#include <simul/task_group.hpp>

#include "running_loops.hpp"

#pragma clang diagnostic ignored "-Winvalid-offsetof"  // none of these has a virtual base

namespace simul::detail {

/// A friend of what it measures. To be changed with the script, which checks the version.
struct DebugLayout {
  std::uint32_t version = 1;
  std::uint32_t size = sizeof(DebugLayout);
  // RunningLoops: the first entry; an entry: its loop, its thread, the next one
  std::uint32_t first_entry = offsetof(RunningLoops, first_);
  std::uint32_t entry_loop = offsetof(RunningLoops::Entry, loop_);
  std::uint32_t entry_thread = offsetof(RunningLoops::Entry, thread_);
  std::uint32_t entry_next = offsetof(RunningLoops::Entry, next_);
  // a loop: its group's address, the task that is stepped
  std::uint32_t loop_root = offsetof(Loop, root_);
  std::uint32_t loop_current = offsetof(Loop, current_task_);
  // a scope: what is inside of it, what stands beside it, the task that it is open in, its few extras
  std::uint32_t group_scope = offsetof(TaskGroup, scope_);
  std::uint32_t scope_child = offsetof(CancelScope, first_child_);
  std::uint32_t scope_sibling = offsetof(CancelScope, next_sibling_);
  std::uint32_t scope_task = offsetof(CancelScope, task_);
  std::uint32_t scope_extras = offsetof(CancelScope, extras_);
  std::uint32_t extras_name = offsetof(CancelScope::Extras, task_name);
  // a task: its own scope, the innermost of its coroutines, the leaf that it waits at
  std::uint32_t task_scope = offsetof(TaskBase, scope_);
  std::uint32_t task_innermost = offsetof(TaskBase, resume_);
  std::uint32_t task_leaf = offsetof(TaskBase, leaf_);
  std::uint32_t task_queued = offsetof(TaskBase, queued_);
  std::uint32_t task_wake_ups = offsetof(TaskBase, wake_ups_);
  // a coroutine: who awaits it, and the place of its own await
  std::uint32_t promise_caller = offsetof(PromiseBase, caller);
  std::uint32_t promise_site = offsetof(PromiseBase, site);
};

extern "C" {
// NOLINTBEGIN(readability-identifier-naming): a name of C
extern SIMUL_EXPORT const DebugLayout simul_debug_layout;
const DebugLayout simul_debug_layout;
// NOLINTEND(readability-identifier-naming)
}

}  // namespace simul::detail
