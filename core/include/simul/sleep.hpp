// Waiting for time, or only for one's next turn.
//
//   co_await sleep(250ms);
//   co_await sleep_until(deadline);
//   co_await yield_now();     // lets everything that is ready run first
#pragma once

#include <concepts>
#include <coroutine>

#include <simul/clock.hpp>
#include <simul/detail/timer.hpp>
#include <simul/export.hpp>
#include <simul/leaf.hpp>

namespace simul {

class [[nodiscard]] SIMUL_EXPORT Sleep final : public Leaf, private detail::Timer {
 public:
  explicit Sleep(Duration wait) noexcept : wait_(wait), deadline_(kNever) {}
  explicit Sleep(TimePoint deadline) noexcept : wait_(Duration::max()), deadline_(deadline) {}

  bool await_ready() const {
    check_cancelled();
    return false;
  }
  void await_suspend(std::coroutine_handle<>);
  void await_resume() const { throw_if_cancelled(); }
  [[nodiscard]] const char* waits_for() const noexcept override { return "sleep"; }
  [[nodiscard]] WaitDetail wait_detail() const noexcept override {
    return {.until = deadline(),
            .from_any_thread = deadline() == kNever};  // one who will be cancelled
  }
  [[nodiscard]] bool only_yields() const noexcept override { return wait_ <= Duration::zero(); }

 private:
  void on_timer() noexcept override { wake(); }
  bool on_cancel() noexcept override {
    disarm();
    return true;
  }

  Duration wait_;
  TimePoint deadline_;
};

class [[nodiscard]] SIMUL_EXPORT YieldNow final : public Leaf {
 public:
  bool await_ready() const {
    check_cancelled();
    return false;
  }
  void await_suspend(std::coroutine_handle<>) noexcept;
  void await_resume() const { throw_if_cancelled(); }
  [[nodiscard]] const char* waits_for() const noexcept override { return "yield"; }
  [[nodiscard]] bool only_yields() const noexcept override { return true; }

 private:
  bool on_wake() noexcept override {
    if (scope_cancelled()) {
      mark_cancelled();
    }
    return true;
  }
  bool on_cancel() noexcept override { return true; }
};

/// Wakes no earlier than `wait` from now; cedes control even if that is zero or negative.
/// Cancel safety: nothing to lose. Thread: a loop's.
inline Sleep sleep(Duration wait) noexcept { return Sleep(wait); }
Sleep sleep(std::integral auto number) = delete;  // of what? 1s, 20ms: std::chrono_literals
inline Sleep sleep_until(TimePoint deadline) noexcept { return Sleep(deadline); }

/// Goes to the end of the ready queue, and has the loop look at the kernel's news before its turn. Cancel safety: nothing to lose. Thread: a loop's.
inline YieldNow yield_now() noexcept { return YieldNow(); }

}  // namespace simul
