#include "stall_text.hpp"

#include <algorithm>
#include <array>
#include <source_location>
#include <string_view>

#include <simul/call_graph.hpp>

#include "function_label.hpp"

namespace simul::detail {
namespace {

/// Names are looked up by polling a socket, reading /etc/hosts, asking a daemon: the caller tells.
bool looks_up_a_name(const std::vector<NativeFrame>& stack) {
  static constexpr std::array<std::string_view, 4> kLookups = {"getaddrinfo", "getnameinfo",
                                                               "gethostbyname", "gethostbyaddr"};
  return std::ranges::any_of(stack, [](const NativeFrame& frame) {
    return std::ranges::any_of(
        kLookups, [&](std::string_view name) { return frame.function.contains(name); });
  });
}

std::string blocked(const os::BlockingCall& call) {
  const std::string what = "(" + call.name + (call.file.empty() ? "" : " of " + call.file) + ")";
  switch (call.kind) {
    case os::CallKind::sleep:
      return "it sleeps " + what + "; co_await sleep() lets the others run meanwhile";
    case os::CallKind::file:
      return "it waits for a file " + what + "; to_thread() is the place for that";
    case os::CallKind::network:
      return "it waits for a peer " + what + "; co_await what a stream offers, or to_thread()";
    case os::CallKind::lock:
      return "it waits for a lock that another thread holds " + what +
             "; take it in to_thread(), or use a channel between loops";
    case os::CallKind::child:
      return "it waits for a child process " + what + "; to_thread() is the place for that";
    case os::CallKind::other:
      break;
  }
  return "it is blocked in " + call.name + "; to_thread() is the place for what blocks";
}

}  // namespace

std::string who(const StallReport& report) {
  if (!report.in_task) {
    return "a callback";
  }
  if (report.name_size > 0) {
    return "task '" + std::string(report.task_name()) + "'";
  }
  std::string label;
  for (const std::source_location& site : report.await_sites()) {
    if (!is_machinery(site)) {
      label = function_label(site) + "_task";  // the outermost is what was spawned
    }
  }
  return label.empty() ? "a task" : label;
}

std::string await_chain(const StallReport& report) {
  std::string text;
  for (const std::source_location& site : report.await_sites()) {
    if (text.empty() || !is_machinery(site)) {
      text += (text.empty() ? "it went on at " : ", called from ") + place(site);
    }
  }
  return text;
}

std::string cause_and_cure(const os::ThreadState& state, const std::vector<NativeFrame>& stack,
                           Duration computed, Duration length) {
  if (looks_up_a_name(stack)) {
    return "it looks up a name" + (state.call ? " (" + state.call->name + ")" : std::string()) +
           "; to_thread() is the place for that";
  }
  if (state.call) {
    return blocked(*state.call);
  }
  if (state.uninterruptible) {
    return "it waits for a disk; to_thread() is the place for that";
  }
  if (!stack.empty()) {  // not waiting at this moment, but the kernel works for it
    if (const auto call = os::call_of_function(stack.front().function)) {
      return blocked(*call);
    }
  }
  if (computed < length / 4) {
    return "it has had a processor for " + milliseconds(computed) +
           " only; the machine is overloaded, or pages of memory are being fetched";
  }
  return "it computes (it has had a processor for " + milliseconds(computed) +
         "); give that to to_thread(), or co_await yield_now() now and then";
}

std::string milliseconds(Duration duration) {
  return std::to_string(std::chrono::round<std::chrono::milliseconds>(duration).count()) + " ms";
}

}  // namespace simul::detail
