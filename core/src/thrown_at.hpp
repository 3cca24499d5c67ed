// What the runtime tells about the way of an exception; see simul/thrown_at.hpp.
#pragma once

#include <exception>

namespace simul::detail {

/// The coroutine that runs is going to throw what a task has thrown that it has waited for. Without this the
/// way of an exception ends with its task.
void rethrown_here(const std::exception_ptr& exception) noexcept;

}  // namespace simul::detail
