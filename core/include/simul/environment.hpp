// Environment: the world as a loop sees it. The default one is the real world; tests give a loop
// another (see <simul/testing.hpp>), so that time passes only when nothing else is left to do.
#pragma once

#include <simul/clock.hpp>
#include <simul/export.hpp>

namespace simul {

class SIMUL_EXPORT Environment {
 public:
  virtual ~Environment();

  /// The time. Never goes backwards.
  virtual TimePoint now() noexcept = 0;

  /// Does time pass only when the loop says so? Then, with nothing ready and a timer armed, the loop
  /// calls skip_to(the next deadline) instead of sleeping.
  [[nodiscard]] virtual bool virtual_time() const noexcept { return false; }
  virtual void skip_to(TimePoint) noexcept {}

  /// CLOCK_MONOTONIC, which can't be skipped.
  static Environment& real() noexcept;
};

}  // namespace simul
