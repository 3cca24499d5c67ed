// What tasks do and where they stand: a look at a running program, for people.
//
//   print_call_graph();                                 // this task: what it awaits, and who awaits it
//   std::fputs(to_string(call_graph(task)).c_str(), stderr);
//   for (const TaskInfo& task : task_infos(loop)) ...   // every task of a loop
//
// Nothing has to be switched on for it: each await records its place anyhow. `simul ps`, `simul pstree` and
// `simul top` show the same of another process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include <simul/any_task.hpp>
#include <simul/clock.hpp>
#include <simul/coro.hpp>
#include <simul/export.hpp>

namespace simul {

class Loop;

/// `ready`: it stands in the queue for its next step. `running`: this is its step.
enum class TaskActivity : std::uint8_t { ready, running, waiting };

/// What a step's time is counted by when it is counted: see Loop::count_time().
struct TaskTimes {
  Duration busy{};  // in steps
  Duration idle{};  // between them
};

/// A task at one moment.
struct TaskInfo {
  std::uintptr_t id = 0;      // unique among the tasks that are alive
  std::uintptr_t parent = 0;  // the task in whose group it runs; 0: the loop's own
  /// The name that was set; else that of its outermost coroutine: "echo_task" of echo().
  std::string name;
  TaskActivity activity = TaskActivity::ready;
  /// "recv fd 12", "task worker_task", "sleep, 1.250 s left"; empty unless it waits.
  std::string waits_for;
  std::uintptr_t awaited = 0;  // the task that it waits for; 0: something else
  /// The coroutines that stand on top of each other, the innermost first, each with the place of its
  /// await. One that hasn't begun has the place of its function. Without those of the library.
  std::vector<std::source_location> calls;
  Duration since{};            // how long ago its last step ended, or it was spawned; to some ms
  std::uint32_t wake_ups = 0;  // steps, from its beginning; modulo 2^32
  std::optional<TaskTimes> times;  // if the loop counts them
  std::size_t frame_bytes = 0;     // of its coroutines' frames
  std::string note;                // "connection 7 of 10.0.0.1:4711 to 'echo', 64 bytes in, 64 out"
};

/// Thread: the loop's of the task, which has not ended.
[[nodiscard]] SIMUL_EXPORT TaskInfo task_info(const AnyTask& task);
/// Of all tasks that have not ended. Thread: the loop's.
[[nodiscard]] SIMUL_EXPORT std::vector<TaskInfo> task_infos(const Loop& loop);

/// Calls `visit` for every task of the current loop: a few, then the others have their turn, and so on, so that
/// thousands hold up nobody. Tasks that begin or end meanwhile are met or not. Cancel safety: safe.
[[nodiscard]] SIMUL_EXPORT Coro<> visit_tasks(std::function<void(const TaskInfo&)> visit);

/// A task and those that wait for its end, each with those that wait for theirs. A task to which several ways lead
/// has its own waiters on the first of them only; what is more than a thousand waits away is left out.
struct CallGraph {
  TaskInfo task;
  std::vector<CallGraph> awaited_by;
};

/// Thread: the loop's of the task. Throws std::logic_error for one that has ended.
[[nodiscard]] SIMUL_EXPORT CallGraph call_graph(const AnyTask& task);
/// Of the task whose step this is. Throws std::logic_error outside of one.
[[nodiscard]] SIMUL_EXPORT CallGraph call_graph();

/// A line for the task, one for each of its coroutines, then who awaits it, indented.
[[nodiscard]] SIMUL_EXPORT std::string to_string(const CallGraph& graph);
/// The tasks as a tree of groups, a line for each task and each coroutine.
[[nodiscard]] SIMUL_EXPORT std::string to_string(const std::vector<TaskInfo>& tasks);

SIMUL_EXPORT void print_call_graph(const AnyTask& task, std::FILE* file = stderr);
/// Of the task whose step this is.
SIMUL_EXPORT void print_call_graph(std::FILE* file = stderr);

/// "echo", "lambda in main", "operator+": the name alone of the function of a source_location.
[[nodiscard]] SIMUL_EXPORT std::string function_label(const std::source_location& site);
/// "echo.cpp:12".
[[nodiscard]] SIMUL_EXPORT std::string place(const std::source_location& site);

}  // namespace simul
