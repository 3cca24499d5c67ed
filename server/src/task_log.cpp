#include "task_log.hpp"

#include <unistd.h>

#include <string>
#include <string_view>

#include <fmt/format.h>

#include <simul/call_graph.hpp>
#include <simul/log.hpp>
#include <simul/units.hpp>

namespace simul::server {
namespace {

std::string_view activity(const TaskInfo& task) {
  switch (task.activity) {
    case TaskActivity::ready:
      return "ready";
    case TaskActivity::running:
      return "running";
    case TaskActivity::waiting:
      return "waits for ";
  }
}

/// "echo_task, connection 7 of ...: waits for recv fd 12 at echo.cpp:12, called from ...".
std::string describe(const TaskInfo& task) {
  std::string text = fmt::format("{}{}{}: {}{}", task.name, task.note.empty() ? "" : ", ",
                                 task.note, activity(task), task.waits_for);
  std::string_view link = " at ";
  for (const std::source_location& call : task.calls) {
    text += link;
    text += place(call);
    link = ", called from ";
  }
  return text +
         fmt::format("; {} wake-ups, the last one {} ago", task.wake_ups,
                     format_duration(std::chrono::round<std::chrono::milliseconds>(task.since)));
}

}  // namespace

Coro<> log_tasks() {
  return visit_tasks([thread = ::gettid()](const TaskInfo& task) {
    log(LogLevel::info, fmt::format("thread {}: {}", thread, describe(task)));
  });
}

}  // namespace simul::server
