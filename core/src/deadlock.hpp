// Deadlocks: tasks that wait for each other, on a loop that nothing wakes any more.
#pragma once

#include <cstdint>
#include <string>

#include <simul/loop.hpp>

namespace simul::detail {

/// Has this process no other thread? False where the system doesn't tell.
[[nodiscard]] bool is_only_thread();

/// `possible`: only another thread could end it, if there is one that knows of this loop.
enum class Deadlock : std::uint8_t { none, possible, certain };

/// Of a loop that has nothing to do and no timer, no descriptor and no thread job to wait for.
[[nodiscard]] Deadlock find_deadlock(const Loop& loop);

/// Every task and what it waits for, and the rings that they make.
[[nodiscard]] std::string describe_deadlock(const Loop& loop, Deadlock deadlock);

}  // namespace simul::detail
