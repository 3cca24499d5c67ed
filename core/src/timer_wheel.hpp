// A loop's timers: a hierarchical wheel (Varghese and Lauck, "Hashed and hierarchical timing wheels",
// SOSP 1987, scheme 7) with a small heap in front of it.
//
// A slot of the lowest level is about a millisecond wide. Timers that are further away wait in the
// wheel, where arming and disarming is a list operation; when their slot comes, they move down and at
// last into the heap, which gives exact deadlines and the order of arming among equal ones. The
// heap only ever holds what is due within a millisecond.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <simul/clock.hpp>
#include <simul/detail/timer.hpp>

namespace simul::detail {

class TimerWheel {
 public:
  explicit TimerWheel(TimePoint start) noexcept : present_(start), elapsed_(tick_of(start)) {}
  /// What is still armed will never fire, and may be destroyed later.
  ~TimerWheel();
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  void insert(Timer& timer, TimePoint deadline);
  void remove(Timer& timer) noexcept;

  /// When advance() has something to do next: a lower bound of the earliest deadline; kNever if no
  /// timer is armed.
  [[nodiscard]] TimePoint next() const noexcept;

  /// Fires everything that is due at `now`, in order. What is armed meanwhile waits for the next call.
  void advance(TimePoint now) noexcept;

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

 private:
  static constexpr unsigned kTickShift = 20;  // 2^20 ns
  static constexpr unsigned kLevelBits = 6;
  static constexpr std::size_t kSlots = std::size_t{1} << kLevelBits;
  static constexpr std::size_t kLevels =
      8;  // 48 bits of ticks: all that 63 bits of nanoseconds need

  static constexpr std::uint16_t kInHeap = kLevels * kSlots;  // instead of a slot

  static std::uint64_t tick_of(TimePoint time) noexcept {
    const auto count = time.time_since_epoch().count();
    return count <= 0 ? 0 : static_cast<std::uint64_t>(count) >> kTickShift;
  }
  static bool earlier(const Timer& a, const Timer& b) noexcept {
    return a.deadline_ != b.deadline_ ? a.deadline_ < b.deadline_ : a.order_ < b.order_;
  }

  void place(Timer& timer);
  void take(Timer& timer) noexcept;
  /// The earliest occupied slot and the tick at which it begins; false if the wheel is empty.
  bool first_slot(std::size_t& slot, std::uint64_t& tick) const noexcept;
  void cascade(std::uint64_t target);

  void heap_push(Timer& timer);
  void heap_remove(std::uint32_t index) noexcept;
  void sift_up(std::uint32_t index) noexcept;
  void sift_down(std::uint32_t index) noexcept;
  void heap_set(std::uint32_t index, Timer* timer) noexcept;

  std::array<Timer*, kLevels * kSlots> slots_{};
  std::array<std::uint64_t, kLevels> occupied_{};  // a bit per slot
  std::vector<Timer*> heap_;
  TimePoint present_;      // of the last advance()
  std::uint64_t elapsed_;  // ticks; everything at or before it is in the heap
  std::uint64_t next_order_ = 0;
  std::size_t size_ = 0;
};

}  // namespace simul::detail
