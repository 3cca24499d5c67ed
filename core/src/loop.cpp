#include <simul/loop.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <stdexcept>

#include <simul/log.hpp>
#include <simul/task_group.hpp>

#include "callback.hpp"
#include "deadlock.hpp"
#include "inspect/inspector_thread.hpp"
#include "loop_access.hpp"
#include "reactor.hpp"
#include "running_loops.hpp"
#include "step_observer.hpp"
#include "timer_wheel.hpp"
#include "watchdog_thread.hpp"

namespace simul {
namespace {

/// Other threads have so long to show that they know of a loop.
constexpr std::chrono::milliseconds kPatience = std::chrono::seconds(1);

[[gnu::tls_model("initial-exec")]] thread_local constinit Loop* t_current = nullptr;

/// Makes a loop the current one while it runs.
class Running {
 public:
  explicit Running(Loop& loop) : previous_(t_current) {
    if (previous_ == &loop) {
      throw std::logic_error("this loop is running already");
    }
    t_current = &loop;
  }
  ~Running() { t_current = previous_; }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  Loop* previous_;
};

/// Thrown before anything has changed.
void require_free_thread(const Loop& loop) {
  if (t_current != nullptr && t_current != &loop) {
    throw std::logic_error(
        "a loop runs on this thread already, and would stand still: "
        "co_await, spawn() or to_thread() instead of run()");
  }
}

/// A peer that is gone is an error of a send, not a signal.
void ignore_sigpipe() {
  [[maybe_unused]] static const auto previous = std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace

Loop::Loop(Environment& environment) : picks_(environment.picks()), environment_(environment) {
  ignore_sigpipe();
  timers_ = std::make_unique<detail::TimerWheel>(exact_now());
  mailbox_ = std::make_shared<detail::Mailbox>([this] { reactor_->interrupt(); });
  reactor_ = std::make_unique<detail::Reactor>(*this, *timers_, environment_.virtual_time());
  renew();
  observer_ = detail::StepObserver::from_environment(*this);
}

Loop::~Loop() {
  ending_ = true;
  detail::Callback::cancel_all(*this);
  if (task_count_ > 0 || !ready_.empty() || reactor_->jobs().any()) {
    abort();
  }
  mailbox_->close();
  run_queue();  // callbacks that were cancelled by what the mailbox has dropped
}

/// Cancels every task, through shields if `pierce`. They end in the turns that follow.
void Loop::cancel_all(bool pierce) {
  root_->scope_.cancel("the loop ends");
  if (pierce) {
    root_->scope_.pierce();
  }
}

void Loop::abort() noexcept {
  for (const AnyTask& task : all_tasks()) {
    if (detail::TaskAccess::state(task).expendable()) {
      continue;
    }
    log(LogLevel::warning,
        "the loop ends while a task is alive" +
            (task.name().empty() ? "" : " ('" + std::string(task.name()) + "')") +
            ", waiting for " + task.waits_for());
  }
  cancel_all(true);
  run_while([this] { return task_count_ > 0; });
  if (reactor_->jobs().any()) {
    join_jobs();
  }
  // What was posted and has come as far as the queue still gets its turn, but can't post again.
  mailbox_->close();
  run_while([this] { return !ready_.empty(); });
}

/// The thread pool has jobs for which nobody waits any more. What they post on their way is heard.
void Loop::join_jobs() {
  const Running running(*this);
  while (reactor_->jobs().any()) {
    reactor_->poll(ready_.empty());
    run_queue();
  }
  reactor_->poll(false);
  run_queue();
}

void Loop::run_queue() noexcept {
  while (!ready_.empty()) {
    run_first();
  }
}

Loop& Loop::current() { return detail::loop_to_spawn_on(); }
Loop* Loop::current_or_null() noexcept { return t_current; }

void Loop::turn() {
  now_ = kStale;
  const std::uint64_t turn = turn_.load(std::memory_order_relaxed);
  turn_.store(turn + 1, std::memory_order_relaxed);
  wait_for_work();
  turn_.store(turn + 2, std::memory_order_relaxed);
  detail::RunningLoops::tell_of_work();
  unpolled_steps_ += ready_.size();
  run_ready(ready_.size());
}

/// Steps so many of those that are ready now.
void Loop::run_ready(std::size_t steps) {
  if (observer_ != nullptr) [[unlikely]] {
    run_observed(steps);
    return;
  }
  for (std::size_t standing = ready_.size(); steps > 0; --steps, --standing) {
    if (picks_) [[unlikely]] {
      ready_.bring_forward(environment_.pick(standing));
    }
    run_first();
  }
}

void Loop::run_observed(std::size_t steps) {
  observer_->begin_turn();
  for (std::size_t standing = ready_.size(); steps > 0; --steps, --standing) {
    if (picks_) {
      ready_.bring_forward(environment_.pick(standing));
    }
    detail::Ready& step = ready_.pop();
    step_.store(&step, std::memory_order_relaxed);
    step.run_observed(*observer_);
  }
  if (!observer_->is_needed()) {
    observer_.reset();
  }
}

void Loop::count_time(bool on) {
  detail::LoopAccess::count_time(*this, detail::StepObserver::Asker::program, on);
}

void detail::LoopAccess::count_time(Loop& loop, StepObserver::Asker asker, bool on) {
  if (loop.observer_ == nullptr && on) {
    loop.observer_ = std::make_unique<StepObserver>(nullptr, false);
  }
  if (loop.observer_ != nullptr) {
    loop.observer_->count_time(asker, on);
  }
}

void Loop::run_first() {
  detail::Ready& step = ready_.pop();
  step_.store(&step, std::memory_order_relaxed);
  step.run_ready();
}

/// A turn, or the beginning of one, of a loop that shares its thread and its time with others: it
/// never waits and looks at no descriptor.
void Loop::run_turn(std::size_t steps) {
  const Running running(*this);
  mailbox_->collect(ready_);
  if (timers_->next() <= exact_now()) {
    timers_->advance(now_);
  }
  run_ready(std::min(steps, ready_.size()));
}

void Loop::wait_for_work() {
  if (environment_.virtual_time()) {
    wait_in_virtual_time();
  } else if (ready_.empty() || unpolled_steps_ >= kPollInterval) {
    unpolled_steps_ = 0;
    poll();
    read_clock();  // for what tasks remember; whoever asks in this turn reads no clock any more
  }
}

void Loop::poll() {
  if (ready_.empty() && reactor_->is_bare()) [[unlikely]] {
    poll_bare();
  } else {
    reactor_->poll(ready_.empty());
  }
}

/// Nothing on this loop can wake it. Another thread may; else its tasks wait for each other.
void Loop::poll_bare() {
  bool in_vain = deadlock_told_;
  if (deadlock_told_ || driven_) {
    reactor_->poll(true);
  } else if ((environment_.virtual_time() && detail::is_only_thread()) ||
             !reactor_->poll_patiently(kPatience)) {
    in_vain = true;
    tell_of_deadlock();
  }
  deadlock_told_ = in_vain && ready_.empty();
}

void Loop::tell_of_deadlock() {
  const detail::Deadlock deadlock = detail::find_deadlock(*this);
  if (deadlock == detail::Deadlock::none) {
    return;
  }
  std::string text = detail::describe_deadlock(*this, deadlock);
  if (text != deadlock_) {  // what has woken it meanwhile may only have been an inspector
    log(LogLevel::warning, text);
    deadlock_ = std::move(text);
  }
}

/// What the real clock's alarm does, without one: it would fire by the time of the real world.
void Loop::wait_in_virtual_time() {
  reactor_->poll(false);
  const TimePoint next = timers_->next();
  if (ready_.empty() && reactor_->jobs().any_awaited() && next > exact_now()) {
    environment_.skip_to(now_);  // a job takes no time: if it did, every deadline would pass first
    reactor_->poll(ready_.empty());
    return;
  }
  if (ready_.empty()) {
    environment_.skip_to(next);
    if (next == kNever) {
      poll();
      return;
    }
  }
  if (next <= exact_now()) {
    timers_->advance(now_);
  }
}

void Loop::run_while(const std::function<bool()>& wanted) {
  detail::inspect_if_asked();
  detail::watch_in_debug_mode();
  const Running running(*this);
  const detail::RunningLoops::Entry entry(*this);
  while (wanted()) {
    turn();
  }
}

void Loop::run_task(detail::TaskBase& main) {
  require_free_thread(*this);
  if (observer_ != nullptr) {
    observer_->loop_runs();
  }
  run_while([&] { return !main.ended(); });
  shutdown();
}

void Loop::run_forever() {
  require_free_thread(*this);
  if (observer_ != nullptr) {
    observer_->loop_runs();
  }
  driven_ = true;
  run_while([this] { return !std::exchange(stopping_, false); });
  driven_ = false;
}

void Loop::stop() {
  if (t_current == this) {
    stopping_ = true;
  } else {
    post([this] { stopping_ = true; });
  }
}

void Loop::shutdown() {
  if (task_count_ == 0) {
    return;
  }
  cancel_all(false);
  run_while([this] { return task_count_ > 0; });
  renew();
}

/// Lets the loop be used again after all its tasks were cancelled.
void Loop::renew() { root_.reset(new TaskGroup(*this, detail::GroupPolicy::report)); }

std::vector<AnyTask> Loop::all_tasks() const {
  std::vector<AnyTask> tasks;
  root_->scope_.for_each_task([&](detail::TaskBase& task) { tasks.emplace_back(task); });
  return tasks;
}

CallHandle Loop::call_soon(detail::Function callback) {
  return detail::Callback::soon(*this, std::move(callback));
}
CallHandle Loop::call_later(Duration wait, detail::Function callback) {
  return call_at(time_after(exact_now(), wait), std::move(callback));
}
CallHandle Loop::call_at(TimePoint time, detail::Function callback) {
  return detail::Callback::at(*this, time, std::move(callback));
}

AnyTask current_task() {
  detail::TaskBase* const task = detail::LoopAccess::current_task(Loop::current());
  if (task == nullptr) {
    throw std::logic_error("no task runs here");
  }
  return AnyTask(*task);
}

std::vector<AnyTask> all_tasks() { return Loop::current().all_tasks(); }

namespace detail {

TaskGroup& root_group_of(Loop& loop) noexcept { return LoopAccess::root(loop); }
const std::shared_ptr<Mailbox>& mailbox_of(Loop& loop) noexcept { return loop.mailbox(); }
bool is_current(const Loop& loop) noexcept { return t_current == &loop; }

Loop& loop_to_spawn_on() {
  if (t_current == nullptr) {
    throw std::logic_error("no loop is running on this thread");
  }
  return *t_current;
}

}  // namespace detail
}  // namespace simul
