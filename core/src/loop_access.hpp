// What the runtime's own files may touch of a Loop, in one place.
#pragma once

#include <simul/loop.hpp>

#include "step_observer.hpp"

namespace simul::detail {

struct LoopAccess {
  static void push_ready(Loop& loop, Ready& entry) noexcept { loop.ready_.push(entry); }
  static ReadyQueue& ready(Loop& loop) noexcept { return loop.ready_; }
  static const ReadyQueue& ready(const Loop& loop) noexcept { return loop.ready_; }
  static StepBudget& budget(Loop& loop) noexcept { return loop.budget_; }
  /// The next turn looks at the kernel's news, whatever is ready: a task lets the others go first.
  static void poll_next(Loop& loop) noexcept { loop.unpolled_steps_ = Loop::kPollInterval; }
  static TaskBase*& current_task(Loop& loop) noexcept { return loop.current_task_; }
  /// The task whose step this is; null outside of one.
  static TaskBase* current_task_or_null() noexcept {
    Loop* loop = Loop::current_or_null();
    return loop != nullptr ? loop->current_task_ : nullptr;
  }
  static bool has_threads(const Loop& loop) noexcept { return loop.environment_.has_threads(); }
  static Reactor& reactor(Loop& loop) noexcept { return *loop.reactor_; }
  static TimerWheel& timers(Loop& loop) noexcept { return *loop.timers_; }
  static std::size_t& task_count(Loop& loop) noexcept { return loop.task_count_; }
  static Callback*& waiting_callbacks(Loop& loop) noexcept { return loop.waiting_callbacks_; }
  static TimePoint last_now(const Loop& loop) noexcept { return loop.last_now_; }
  static void count_time(Loop& loop, StepObserver::Asker asker, bool on);
  static StepObserver* observer(const Loop& loop) noexcept { return loop.observer_.get(); }
  static void observe(Loop& loop, std::unique_ptr<StepObserver> observer) noexcept;
  static bool ending(const Loop& loop) noexcept { return loop.ending_; }
  static std::uint64_t turn(const Loop& loop) noexcept {
    return loop.turn_.load(std::memory_order_relaxed);
  }
  /// A turn steps each entry once: together with the turn this identifies a step. Thread: any.
  static const Ready* step(const Loop& loop) noexcept {
    return loop.step_.load(std::memory_order_relaxed);
  }
  static TaskGroup& root(Loop& loop) noexcept { return *loop.root_; }

  // For those who step several loops on one thread:
  static void run_turn(Loop& loop, std::size_t steps) { loop.run_turn(steps); }
  static void cancel_all(Loop& loop, bool pierce) { loop.cancel_all(pierce); }
  static void renew(Loop& loop) { loop.renew(); }
};

}  // namespace simul::detail
