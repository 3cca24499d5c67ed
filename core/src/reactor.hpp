// The loop's side of libuv: the uv_loop_t, the alarm for the timers, and the way in for other
// threads. Its callbacks only ever push to the ready queue.
#pragma once

#include <chrono>
#include <cstdint>

#include <uv.h>

#include <simul/clock.hpp>
#include <simul/loop.hpp>

#include "fd_watches.hpp"
#include "os/alarm.hpp"
#include "thread_jobs.hpp"

namespace simul::detail {

class TimerWheel;

class Reactor {
 public:
  /// In virtual time there is no alarm: the loop looks at the timers by itself.
  Reactor(Loop& loop, TimerWheel& timers, bool virtual_time);
  /// Everything that was watched must be closed.
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  /// Collects what the kernel has; sleeps until there is something if `block`.
  void poll(bool block);

  /// Would a poll sleep until another thread interrupts it? No timer (of virtual time it knows nothing), no
  /// descriptor, no job.
  [[nodiscard]] bool is_bare();
  /// As poll(true), of a bare one. False: it has slept for `patience` and nothing has come.
  bool poll_patiently(std::chrono::milliseconds patience);

  /// Makes the current or next poll return. Thread: any.
  void interrupt() noexcept { uv_async_send(&async_); }

  /// A timer was armed that is due at `deadline`.
  void timer_armed(TimePoint deadline) noexcept {
    if (deadline < alarm_at_) {
      alarm_late_ = true;
    }
  }

  [[nodiscard]] uv_loop_t* uv() noexcept { return &uv_; }
  [[nodiscard]] FdWatches& fd_watches() noexcept { return fd_watches_; }
  [[nodiscard]] ThreadJobs& jobs() noexcept { return jobs_; }

  /// How often libuv reported a descriptor; tests hold it against what was to be expected.
  void count_callback() noexcept { ++callbacks_; }
  [[nodiscard]] std::uint64_t callbacks() const noexcept { return callbacks_; }

 private:
  void set_alarm();

  Loop& loop_;
  TimerWheel& timers_;
  os::Alarm alarm_;
  TimePoint alarm_at_;
  bool alarm_late_ = false;
  ThreadJobs jobs_;
  std::uint64_t callbacks_ = 0;
  uv_loop_t uv_{};
  uv_async_t async_{};
  uv_poll_t alarm_watch_{};
  uv_timer_t patience_{};  // runs on when a poll is over: starting it for each would be dear
  bool patience_is_over_ = false;
  FdWatches fd_watches_;
};

}  // namespace simul::detail
