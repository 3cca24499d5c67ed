// StepObserver: who looks on while a loop steps its tasks: counts their time, traces the hand-overs, finds
// those that poll. A loop has one only if somebody wants to know: SIMUL_TRACE, SIMUL_DEBUG, count_time().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <simul/clock.hpp>
#include <simul/loop.hpp>

#include "trace/tracer.hpp"

namespace simul::detail {

class StepObserver {
 public:
  /// What the environment asks for; null: nothing.
  static std::unique_ptr<StepObserver> from_environment(const Loop& loop);
  StepObserver(std::unique_ptr<Tracer> tracer, bool finds_polls) noexcept
      : tracer_(std::move(tracer)), finds_polls_(finds_polls), counts_time_(finds_polls) {}

  /// Who wants that the time is counted: until nobody does, it is.
  enum class Asker : std::uint8_t { program, inspector };
  void count_time(Asker asker, bool on) noexcept;
  /// Else it can go.
  [[nodiscard]] bool is_needed() const noexcept { return tracer_ || counts_time_; }

  [[nodiscard]] bool traces() const noexcept { return tracer_ != nullptr; }
  /// If it traces.
  [[nodiscard]] Tracer* tracer() const noexcept { return tracer_.get(); }

  void loop_runs() {
    if (tracer_) {
      tracer_->loop_runs();
    }
  }
  /// Steps of tasks follow.
  void begin_turn() noexcept;
  void begin(const TaskBase& task);
  /// Of a step; the task may have ended.
  void end(TaskBase& task) noexcept;
  void call_back(const Ready& callback);

 private:
  Duration count(StepTimes& times) noexcept;
  void watch_for_polls(TaskBase& task, Duration step) noexcept;

  std::unique_ptr<Tracer> tracer_;
  const bool finds_polls_;
  std::array<bool, 2> asked_by_{};
  bool counts_time_;
  TimePoint mark_{};  // when the last step ended, by the clock of the real world
};

}  // namespace simul::detail
