// A timer that a loop fires once. It lives in whoever waits (a sleeping frame, a scope with a
// deadline, a connection) and is linked into the loop's wheel while armed; arming, re-arming and
// disarming cost the same whether the loop has ten timers or a million.
#pragma once

#include <cstdint>

#include <simul/clock.hpp>
#include <simul/export.hpp>

namespace simul {
class Loop;
namespace detail {

class TimerWheel;

class SIMUL_EXPORT Timer {
 public:
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// Fires at `deadline`, at once if that is past, never if it is kNever. Replaces an earlier arming.
  /// Thread: the loop's.
  void arm(Loop& loop, TimePoint deadline);
  void disarm() noexcept;
  [[nodiscard]] bool armed() const noexcept { return wheel_ != nullptr; }
  [[nodiscard]] TimePoint deadline() const noexcept { return deadline_; }

 protected:
  Timer() noexcept = default;
  ~Timer() { disarm(); }

 private:
  friend class TimerWheel;
  /// Runs inside the loop's turn, outside of any task. Must not throw.
  virtual void on_timer() noexcept = 0;

  TimePoint deadline_{};
  std::uint64_t order_ = 0;  // equal deadlines fire in the order of arming
  TimerWheel* wheel_ = nullptr;
  Timer* next_ = nullptr;  // in a slot of the wheel
  Timer** link_ = nullptr;
  std::uint32_t heap_index_ = 0;  // in the heap of those that are nearly due
  std::uint16_t slot_ = 0;
};

}  // namespace detail
}  // namespace simul
