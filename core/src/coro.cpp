#include <simul/coro.hpp>

#include <exception>
#include <sstream>
#include <string>
#include <utility>

#include <simul/call_graph.hpp>
#include <simul/detail/task_base.hpp>
#include <simul/log.hpp>

#include "creation_sites.hpp"
#include "debug_mode.hpp"

namespace simul::detail {
namespace {

thread_local bool t_destroys_failed = false;

std::string called_at(PromiseBase& promise) {
  if (!debug_mode()) {
    return " (SIMUL_DEBUG=1 tells where it was called)";
  }
  const std::string place = created_at(handle_of(promise).address());
  return place.empty() ? "" : "; it was called at " + place;
}

}  // namespace

void drop_unstarted(PromiseBase& promise) noexcept {
  if (std::uncaught_exceptions() == 0 && !t_destroys_failed) {
    log(LogLevel::warning, "coroutine " + function_label(promise.site) + "() of " +
                               place(promise.site) + " was never awaited: it has not run" +
                               called_at(promise));
  }
  handle_of(promise).destroy();
}

void destroy_failed(std::coroutine_handle<> frame) noexcept {
  const bool before = std::exchange(t_destroys_failed, true);
  frame.destroy();
  t_destroys_failed = before;
}

std::string coroutine_text(const PromiseBase* promise) {
  if (promise == nullptr) {
    return "<coroutine object, started>";
  }
  std::ostringstream text;
  text << "<coroutine object " << function_label(promise->site) << " at " << promise << '>';
  return text.str();
}

}  // namespace simul::detail
