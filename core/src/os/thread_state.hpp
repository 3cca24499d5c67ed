// What the kernel says of a thread: does it run, or in which system call does it wait?
//
//   const ThreadState state = thread_state(tid);
//   if (state.call) log(level, "blocked in " + state.call->name);
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <simul/clock.hpp>

namespace simul::os {

/// What it may be that a system call waits for. `network` stands for pipes, too.
enum class CallKind : std::uint8_t { sleep, file, network, lock, child, other };

struct BlockingCall {
  std::string name;  ///< "clock_nanosleep"; "system call 217" for one that usually doesn't wait
  CallKind kind = CallKind::other;
  std::string
      file{};  ///< what it reads or writes: "/srv/journal", "socket:[4711]"; empty if it doesn't
};

struct ThreadState {
  std::optional<BlockingCall> call{};  ///< none: it runs, or could
  bool uninterruptible = false;  ///< it waits for a disk, or for what the kernel takes for one
};

/// Of a thread of this process. What can't be learned stays as it is.
[[nodiscard]] ThreadState thread_state(pid_t thread);
/// The system call that a function of the C library stands for, if it is one that may wait.
[[nodiscard]] std::optional<BlockingCall> call_of_function(std::string_view function);
/// What it has used so far; zero for a thread that is gone.
[[nodiscard]] Duration processor_time(pid_t thread) noexcept;

}  // namespace simul::os
