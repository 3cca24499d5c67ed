#include "reactor.hpp"

#include <cassert>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "loop_access.hpp"
#include "timer_wheel.hpp"
#include "watch.hpp"

namespace simul::detail {
namespace {

void check(int status, const char* call) {
  if (status != 0) {
    throw std::system_error(-status, std::generic_category(), call);
  }
}

uv_handle_t* handle(auto& specific) noexcept { return reinterpret_cast<uv_handle_t*>(&specific); }

}  // namespace

Reactor::Reactor(Loop& loop, TimerWheel& timers, bool virtual_time)
    : loop_(loop), timers_(timers), alarm_at_(virtual_time ? TimePoint::min() : kNever) {
  check(uv_loop_init(&uv_), "uv_loop_init");
  uv_.data = this;
  async_.data = this;
  check(uv_async_init(&uv_, &async_,
                      [](uv_async_t* async) {
                        auto& self = *static_cast<Reactor*>(async->data);
                        self.loop_.mailbox()->collect(LoopAccess::ready(self.loop_));
                      }),
        "uv_async_init");
  check(uv_poll_init(&uv_, &alarm_watch_, alarm_.fd()), "uv_poll_init");
  alarm_watch_.data = this;
  check(uv_poll_start(&alarm_watch_, UV_READABLE,
                      [](uv_poll_t* watch, int, int) {
                        auto& self = *static_cast<Reactor*>(watch->data);
                        self.alarm_late_ = true;
                        self.timers_.advance(self.loop_.exact_now());
                      }),
        "uv_poll_start");
  patience_.data = this;
  check(uv_timer_init(&uv_, &patience_), "uv_timer_init");
}

Reactor::~Reactor() {
  uv_close(handle(async_), nullptr);
  uv_close(handle(alarm_watch_), nullptr);
  uv_close(handle(patience_), nullptr);
  FdWatch::orphan_all(uv_);
  uv_run(&uv_, UV_RUN_DEFAULT);
  [[maybe_unused]] const int status = uv_loop_close(&uv_);
  assert(status == 0 && "a handle was left open");
}

void Reactor::poll(bool block) {
  if (alarm_late_) {
    set_alarm();
    block = block && LoopAccess::ready(loop_).empty();
  }
  uv_run(&uv_, block ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

bool Reactor::is_bare() {
  if (alarm_late_) {
    set_alarm();  // a timer may be due, and else it is known whether there is one
  }
  const unsigned own_handles = uv_is_active(handle(patience_)) != 0 ? 3 : 2;
  return (alarm_at_ == kNever || alarm_at_ == TimePoint::min()) &&
         LoopAccess::ready(loop_).empty() && uv_.active_handles == own_handles &&
         uv_.active_reqs.count == 0;
}

bool Reactor::poll_patiently(std::chrono::milliseconds patience) {
  bool from_its_start = false;
  for (;;) {
    if (uv_is_active(handle(patience_)) == 0) {
      uv_update_time(&uv_);
      patience_is_over_ = false;  // that of an earlier poll, which may have ended in another one
      uv_timer_start(
          &patience_,
          [](uv_timer_t* timer) { static_cast<Reactor*>(timer->data)->patience_is_over_ = true; },
          static_cast<std::uint64_t>(patience.count()), 0);
      from_its_start = true;
    }
    uv_run(&uv_, UV_RUN_ONCE);
    if (!std::exchange(patience_is_over_, false) || !LoopAccess::ready(loop_).empty()) {
      return true;
    }
    if (from_its_start) {
      return false;
    }
  }
}

void Reactor::set_alarm() {
  alarm_late_ = false;
  TimePoint next = timers_.next();
  if (next != kNever && next <= loop_.exact_now()) {
    timers_.advance(loop_.now());
    next = timers_.next();
  }
  alarm_at_ = next;
  alarm_.set(next);
}

}  // namespace simul::detail
