#include "step_observer.hpp"

#include <string>
#include <utility>

#include <simul/call_graph.hpp>
#include <simul/environment.hpp>
#include <simul/log.hpp>

#include "debug_mode.hpp"
#include "loop_access.hpp"

namespace simul::detail {
namespace {

/// So often in a row, and it is a poll.
constexpr std::uint32_t kPolls = 10'000;
/// A task that is merely polite has something to do in between, and takes longer.
constexpr Duration kToLook = std::chrono::microseconds(100);

}  // namespace

std::unique_ptr<StepObserver> StepObserver::from_environment(const Loop& loop) {
  auto observer = std::make_unique<StepObserver>(Tracer::from_environment(loop), debug_mode());
  return observer->is_needed() ? std::move(observer) : nullptr;
}

void StepObserver::count_time(Asker asker, bool on) noexcept {
  const bool counted = counts_time_;
  asked_by_[static_cast<std::size_t>(asker)] = on;
  counts_time_ = finds_polls_ || asked_by_[0] || asked_by_[1];
  if (counts_time_ && !counted) {
    mark_ = Environment::real().now();  // the turn may have begun without it
  }
}

void StepObserver::begin_turn() noexcept {
  if (counts_time_) {
    mark_ = Environment::real().now();
  }
}

void StepObserver::begin(const TaskBase& task) {
  if (tracer_) {
    tracer_->step_begins(task);
  }
}

void StepObserver::end(TaskBase& task) noexcept {
  if (tracer_) {
    tracer_->step_ends(task);
  }
  if (!counts_time_) {
    return;
  }
  const Duration length = count(task.times());
  if (finds_polls_) {
    watch_for_polls(task, length);
  }
}

/// One reading of the clock ends this step and begins the next one.
Duration StepObserver::count(StepTimes& times) noexcept {
  const TimePoint now = Environment::real().now();
  if (times.counted_from == TimePoint()) {
    times.counted_from = mark_;
  }
  const Duration length = now - std::exchange(mark_, now);
  times.busy += length;
  return length;
}

void StepObserver::watch_for_polls(TaskBase& task, Duration step) noexcept {
  std::uint32_t& polls = task.times().polls;
  if (!task.ended() && step < kToLook && task.only_yields()) {
    if (++polls == kPolls) {
      task.keep_label();  // for when it has ended
      log(LogLevel::warning,
          task.label() + " polls: it woke itself " + std::to_string(polls) +
              " times in a row, by " + task.where_it_stands() +
              ". Let it wait for what it looks for: a future, an event, sleep()");
    }
    return;
  }
  if (polls >= kPolls) {
    log(LogLevel::warning,
        task.label() + " polled: it woke itself " + std::to_string(polls) + " times in a row");
  }
  polls = 0;
}

void StepObserver::call_back(const Ready& callback) {
  if (tracer_) {
    tracer_->called_back(callback);
  }
}

void LoopAccess::observe(Loop& loop, std::unique_ptr<StepObserver> observer) noexcept {
  loop.observer_ = std::move(observer);
}

// --- what stands in the ready queue --------------------------------------------------------------

std::string Ready::label() const { return "a callback"; }

void Ready::run_observed(StepObserver& observer) noexcept {
  observer.call_back(*this);
  run_ready();
  observer.begin_turn();  // its time is that of no task
}

}  // namespace simul::detail
