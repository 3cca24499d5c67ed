// VirtualClock: time that jumps, so that no test ever sleeps.
//
//   VirtualClock clock;
//   Loop loop(clock);                       // an hour of sleep takes no time at all
//
// Time passes only when nothing is ready and the kernel has no news, and then goes on to the next timer.
#pragma once

#include <chrono>

#include <simul/clock.hpp>
#include <simul/environment.hpp>
#include <simul/export.hpp>

namespace simul {

class SIMUL_EXPORT VirtualClock : public Environment {
 public:
  explicit VirtualClock(TimePoint start = TimePoint(std::chrono::hours(1))) noexcept
      : now_(start) {}
  ~VirtualClock() override;

  TimePoint now() noexcept override { return now_; }
  [[nodiscard]] bool virtual_time() const noexcept override { return true; }
  /// Never back: an earlier time than now() changes nothing.
  void skip_to(TimePoint time) override { now_ = time > now_ && time != kNever ? time : now_; }
  /// Lets time pass while the loop works, as a slow step would.
  void pass(Duration time) noexcept { now_ = time_after(now_, time); }

 private:
  TimePoint now_;
};

}  // namespace simul
