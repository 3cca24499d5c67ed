// Loop: the event loop. One per thread; it steps the tasks in its ready queue, first in, first out,
// and sleeps in the kernel when there are none.
//
//   int main() { return run(program()); }   // a loop, one main task, and everything it spawned
//
//   Loop loop;                              // or by hand
//   loop.run_until_complete(program());
//
// A Loop belongs to the thread that runs it. Only post() and stop() may be called from other threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <simul/any_task.hpp>
#include <simul/callback.hpp>
#include <simul/clock.hpp>
#include <simul/coro.hpp>
#include <simul/detail/mailbox.hpp>
#include <simul/detail/ready.hpp>
#include <simul/environment.hpp>
#include <simul/export.hpp>
#include <simul/task.hpp>

namespace simul {

class TaskGroup;

namespace detail {
class Reactor;
class StepObserver;
class TimerWheel;
struct LoopAccess;

/// What one step of a task may do before it has to let the others run: a number of tries of I/O, and
/// bytes moved. It is looked at before a try, so that a task that has to yield never holds a result.
class StepBudget {
 public:
  static constexpr std::int32_t kAttempts = 128;
  static constexpr std::int64_t kPayload = 1 << 20;

  void refill() noexcept {
    attempts_ = kAttempts;
    payload_ = kPayload;
  }
  /// May another attempt be made in this step?
  [[nodiscard]] bool take_attempt() noexcept { return payload_ > 0 && attempts_-- > 0; }
  void moved(std::size_t bytes) noexcept { payload_ -= static_cast<std::int64_t>(bytes); }

 private:
  std::int32_t attempts_ = kAttempts;
  std::int64_t payload_ = kPayload;
};
}  // namespace detail

class SIMUL_EXPORT Loop {
 public:
  /// `environment` must outlive the loop. Throws std::system_error if the kernel refuses.
  explicit Loop(Environment& environment = Environment::real());
  /// Ends what is left, as shutdown() does, but through shields. Reports what was still alive.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// The loop whose step this is. Throws std::logic_error outside of one.
  static Loop& current();
  static Loop* current_or_null() noexcept;

  /// Spawns `main`, runs until it has ended, then cancels and joins everything else that lives on the
  /// loop; gives or throws what `main` did. The loop can be used again afterwards.
  template <typename T>
  T run_until_complete(Coro<T> main);

  /// Runs until stop(). Tasks stay as they are and go on with the next run.
  void run_forever();
  /// Makes run_forever return after the current turn. Thread: any.
  void stop();
  /// Cancels every task and runs until the last one has ended.
  void shutdown();

  /// Queues `callback` to run on this loop. False: the loop has ended, nothing will happen. Throws
  /// std::invalid_argument for an empty function. Thread: any.
  bool post(std::move_only_function<void()> callback) {
    return mailbox_->post(std::move(callback));
  }

  /// Queues `callback` behind what is ready. Throws std::invalid_argument for an empty function. Thread: the loop's, also before it runs.
  CallHandle call_soon(detail::Function callback);
  /// Queues `callback` when `wait` has passed, or at a time; those of the same time in the order of these
  /// calls. Thread: the loop's, also before it runs.
  CallHandle call_later(Duration wait, detail::Function callback);
  CallHandle call_at(TimePoint time, detail::Function callback);

  /// The time at the start of this turn: one clock read serves all who ask within a turn.
  [[nodiscard]] TimePoint now() noexcept { return now_ == kStale ? exact_now() : now_; }
  /// The time itself.
  [[nodiscard]] TimePoint exact_now() noexcept {
    read_clock();
    return now_;
  }

  [[nodiscard]] Environment& environment() const noexcept { return environment_; }

  [[nodiscard]] std::size_t task_count() const noexcept { return task_count_; }
  /// Every task that has not ended, in no particular order. Thread: the loop's.
  [[nodiscard]] std::vector<AnyTask> all_tasks() const;

  /// Counts from now on what each task's steps take: TaskInfo::times. Costs one reading of the clock a
  /// step, and some memory per task. Thread: the loop's, also before it runs.
  void count_time(bool on);

  [[nodiscard]] const std::shared_ptr<detail::Mailbox>& mailbox() const noexcept {
    return mailbox_;
  }

 private:
  friend struct detail::LoopAccess;  // what the runtime itself may touch
  friend struct detail::DebugLayout;

  static constexpr TimePoint kStale = TimePoint::min();
  /// While tasks are ready, so many steps may pass between two looks at the kernel's news.
  static constexpr std::size_t kPollInterval = 61;

  void read_clock() noexcept { now_ = last_now_ = environment_.now(); }
  void turn();
  void run_ready(std::size_t steps);
  void run_observed(std::size_t steps);
  void run_first();
  void run_turn(std::size_t steps);
  void wait_for_work();
  void poll();
  void poll_bare();
  void tell_of_deadlock();
  void wait_in_virtual_time();
  void run_while(const std::function<bool()>& wanted);
  void run_task(detail::TaskBase& main);
  void cancel_all(bool pierce);
  void renew();
  void abort() noexcept;
  void run_queue() noexcept;
  void join_jobs();

  detail::ReadyQueue ready_;
  detail::StepBudget budget_;
  detail::TaskBase* current_task_ = nullptr;
  TimePoint now_ = kStale;
  TimePoint last_now_{};  // the latest that is known, of this turn or an earlier one
  std::size_t task_count_ = 0;
  std::size_t unpolled_steps_ = 0;
  detail::Callback* waiting_callbacks_ = nullptr;
  // Read by the watchdog, too, on its thread: twice the turn's number, one less while it looks for work; and
  // what was stepped last.
  std::atomic<std::uint64_t> turn_{0};
  std::atomic<const detail::Ready*> step_{nullptr};
  bool deadlock_told_ = false;
  bool driven_ = false;   // from outside, by post() and stop()
  std::string deadlock_;  // what was told last
  bool stopping_ = false;
  bool ending_ = false;  // no callback is taken any more
  const bool picks_;     // does the environment choose who goes first?
  Environment& environment_;
  std::unique_ptr<detail::Reactor> reactor_;
  std::unique_ptr<detail::TimerWheel> timers_;
  std::unique_ptr<detail::StepObserver> observer_;  // null: nobody looks on
  std::shared_ptr<detail::Mailbox> mailbox_;
  std::unique_ptr<TaskGroup> root_;
};

template <typename T>
T Loop::run_until_complete(Coro<T> main) {
  auto task = detail::spawn_into(*this, detail::root_group_of(*this), std::move(main));
  run_task(task.state_base());
  return std::move(task).take_result();
}

/// Makes a loop on this thread and runs `main` on it, as Loop::run_until_complete does.
template <typename T>
T run(Coro<T> main) {
  Loop loop;
  return loop.run_until_complete(std::move(main));
}

}  // namespace simul
