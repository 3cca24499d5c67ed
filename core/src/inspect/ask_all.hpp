// AskAll: what the commands have in common that ask all loops: a round of questions, and what an answer says of the loops
// and of the program's counters. InfoCommand needs no more; ChooseTasks goes on from there.
#pragma once

#include <optional>
#include <string_view>

#include <simul/clock.hpp>

#include "inspect/command.hpp"
#include "inspect/json_writer.hpp"
#include "inspect/loop_inquiry.hpp"
#include "inspect/round.hpp"
#include "running_loops.hpp"

namespace simul::detail {

[[nodiscard]] inline double seconds(Duration time) {
  return std::chrono::duration<double>(time).count();
}

/// null if it isn't known yet.
void append_rate(JsonWriter& json, std::string_view name, std::optional<double> rate);

/// What is asked of all loops, in one round.
class AskAll : public InspectCommand {
 public:
  bool go_on(TimePoint now) override { return round_.complete(now); }
  [[nodiscard]] TimePoint deadline() const noexcept override { return round_.deadline(); }

 protected:
  using Question = LoopInquiry::Question;

  AskAll(ClientMemory& memory, const InspectedProgram& program, Question question);

  [[nodiscard]] InquiryRound& round() noexcept { return round_; }
  [[nodiscard]] ClientMemory& memory() noexcept { return memory_; }
  [[nodiscard]] const InspectedProgram& program() const noexcept { return program_; }
  [[nodiscard]] TimePoint begin() const noexcept { return begin_; }
  /// Since the client's last answer; none: there was none.
  [[nodiscard]] std::optional<Duration> passed() const noexcept { return passed_; }

  void append_loops(JsonWriter& json);

  void append_counters(JsonWriter& json) const;

 private:
  /// What can be known of a loop that doesn't answer.
  void append_silence(JsonWriter& json, const RunningLoops::Glimpse& glimpse, bool same_step) const;

  ClientMemory& memory_;
  const InspectedProgram& program_;
  InquiryRound round_;
  const TimePoint begin_;
  const std::optional<Duration> passed_;
};

}  // namespace simul::detail
