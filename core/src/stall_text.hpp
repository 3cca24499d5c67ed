// What is written of a stall.
#pragma once

#include <string>
#include <vector>

#include <simul/clock.hpp>

#include "native_backtrace.hpp"
#include "os/thread_state.hpp"
#include "stall_probe.hpp"

namespace simul::detail {

/// "task 'report'", "serve_task", "a callback".
[[nodiscard]] std::string who(const StallReport& report);

/// "it went on at report.cpp:41, called from main.cpp:12"; empty for a callback.
[[nodiscard]] std::string await_chain(const StallReport& report);

/// "it sleeps (clock_nanosleep): co_await sleep() lets the others run". `computed`: how much of the step's
/// `length` the thread had a processor.
[[nodiscard]] std::string cause_and_cure(const os::ThreadState& state,
                                         const std::vector<NativeFrame>& stack, Duration computed,
                                         Duration length);

/// "104 ms".
[[nodiscard]] std::string milliseconds(Duration duration);

}  // namespace simul::detail
