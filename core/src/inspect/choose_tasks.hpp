// ChooseTasks: what the commands have in common that show tasks: of all tasks an outline, of those that are chosen from
// it what is to be shown. TasksCommand and DumpCommand choose.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include <simul/call_graph.hpp>
#include <simul/clock.hpp>

#include "inspect/ask_all.hpp"
#include "inspect/task_sketch.hpp"

namespace simul::detail {

/// That one answer shows: some ten megabytes.
constexpr std::size_t kMostTasks = 20'000;

/// A choice of tasks: first all in outline, then those that were chosen in full.
class ChooseTasks : public AskAll {
 public:
  bool go_on(TimePoint now) override;
  [[nodiscard]] TimePoint deadline() const noexcept override {
    return std::min(AskAll::deadline(), details_.deadline());
  }

 protected:
  struct Candidate {
    const TaskSketch* sketch;
    std::size_t loop;  // its index in the round
    std::optional<double> wake_ups_per_second{};
    std::optional<double> busy{};
  };

  ChooseTasks(ClientMemory& memory, const InspectedProgram& program,
              Question question = Question::sketches)
      : AskAll(memory, program, question), details_(program.wakeup) {}

  /// Sorts and cuts candidates().
  virtual void choose() = 0;

  [[nodiscard]] std::vector<Candidate>& candidates() noexcept { return candidates_; }

  /// Fills candidates() with all tasks.
  void consider_all();

  /// Says of each what it has done since the client's last answer, and remembers what to say next time.
  void rate_candidates();

  /// What the loops say of the candidates, by their order; those that have ended meanwhile are null.
  [[nodiscard]] std::vector<const TaskInfo*> details() const;

 private:
  void rate(Candidate& candidate);

  /// What describing them has cost belongs to what sketching them has.
  void add_pauses();

  void ask_for_chosen();

  bool chosen_ = false;
  std::vector<Candidate> candidates_;
  InquiryRound details_;
};

}  // namespace simul::detail
