#include "reactor.hpp"

#include <cassert>
#include <stdexcept>
#include <system_error>

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
}

Reactor::~Reactor() {
  uv_close(handle(async_), nullptr);
  uv_close(handle(alarm_watch_), nullptr);
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

void Reactor::poll_until(TimePoint time) {
  alarm_at_ = time;
  alarm_.set(time);
  uv_run(&uv_, UV_RUN_ONCE);
  set_alarm();
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
