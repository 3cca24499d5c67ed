// Where coroutines were made: in debug mode every block of a coroutine's frame is remembered with the stack of
// who asked for it, until it is freed. Otherwise nothing is, and it costs nothing.
//
//   log(level, "a coroutine was never awaited; made at " + created_at(frame));
#pragma once

#include <string>
#include <vector>

#include "native_backtrace.hpp"

namespace simul::detail {

/// For frame_allocate and frame_free, in debug mode. Thread: any.
void remember_creation(const void* block) noexcept;
void forget_creation(const void* block) noexcept;

/// The stack that made the block, innermost first, some frames only; empty if it isn't remembered.
/// Thread: any, while nobody frees it.
[[nodiscard]] std::vector<ProgramCounter> creation_of(const void* block);

/// "file.cpp:12": where the coroutine function was called to which this frame (a coroutine_handle's address)
/// belongs; empty if that is unknown. Calls inside of simul's own headers, such as spawn(fn, ...), are followed
/// outwards. Thread: as creation_of.
[[nodiscard]] std::string created_at(const void* frame);

}  // namespace simul::detail
