// CpuUse: how long a thread has run, and how long it stood in line for a processor. The difference of two
// readings says whether a load generator was the bottleneck itself, or was kept from working.
#pragma once

#include <simul/clock.hpp>

namespace simul::load {

struct CpuUse {
  Duration running{};
  Duration waiting{};

  /// Of the calling thread, so far. Without Linux's procfs nothing is known about waiting: zero.
  static CpuUse of_this_thread() noexcept;
};

}  // namespace simul::load
