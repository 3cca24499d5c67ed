// Until: one operation of a Stream under a deadline of its own: recv_until, send_until, send_file_until.
//
//   auto chunk = co_await peer.recv_until(time_after(Loop::current().now(), 10s));
//   if (!chunk && chunk.error() == std::errc::timed_out) { ... }     // nothing came in time
//
// It is for what every message does: there is neither a coroutine nor a scope in it, as there is in
// move_on_after(), and its timer is armed only if the operation has to wait. For a deadline of several
// operations together there are the scopes. What it promises is said at the functions of Stream that
// make it; nobody names this class.
#pragma once

#include <coroutine>
#include <utility>

#include <simul/clock.hpp>
#include <simul/detail/timer.hpp>
#include <simul/export.hpp>
#include <simul/leaf.hpp>

namespace simul {

/// `Awaiter` is a StreamLeaf.
template <typename Awaiter>
class [[nodiscard]] SIMUL_EXPORT Until final : public Awaiter, private detail::Timer {
 public:
  template <typename... Args>
  explicit Until(TimePoint deadline, Args&&... args) noexcept
      : Awaiter(std::forward<Args>(args)...), deadline_(deadline) {}

  bool await_suspend(std::coroutine_handle<> waiting) {
    arm(this->loop(), deadline_);
    return Awaiter::await_suspend(waiting);
  }
  decltype(auto) await_resume() {
    disarm();  // the awaiter may live on, to the end of the expression that it is in
    return Awaiter::await_resume();
  }
  [[nodiscard]] WaitDetail wait_detail() const noexcept override {
    WaitDetail detail = Awaiter::wait_detail();
    detail.until = deadline_;
    return detail;
  }

 private:
  void on_timer() noexcept override { this->time_out(); }

  TimePoint deadline_;
};

}  // namespace simul
