// What SIGUSR2 asks for: every task of a loop in the log.
#pragma once

#include <simul/coro.hpp>

namespace simul::server {

/// A line for each task of the current loop.
[[nodiscard]] Coro<> log_tasks();

}  // namespace simul::server
