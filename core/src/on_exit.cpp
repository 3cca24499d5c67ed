#include <simul/on_exit.hpp>

#include <simul/detail/task_base.hpp>

namespace simul::detail {
namespace {

bool is_cancelled(const std::exception_ptr& exception) noexcept {
  try {
    std::rethrow_exception(exception);
  } catch (const Cancelled&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace

std::exception_ptr exit_failure(TaskBase& task, std::exception_ptr body,
                                std::exception_ptr cleanup) noexcept {
  // A Cancelled that belongs to no scope around us is a failure like any other.
  if (!cleanup || (task.scope_cancelled() && is_cancelled(cleanup))) {
    return body;
  }
  if (!body || (task.scope_cancelled() && is_cancelled(body))) {
    return cleanup;
  }
  return std::make_exception_ptr(ExceptionGroup({std::move(body), std::move(cleanup)}));
}

}  // namespace simul::detail
