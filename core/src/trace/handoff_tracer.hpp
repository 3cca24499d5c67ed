// The hand-overs as lines, one under the other, each as deep as the calls that lead to it:
//
//   8      event-loop
//   9          triple_task.step
//   10             triple()
//
// `narrated` tells beside each line what happens there, and what stands in the queue.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

#include "trace/tracer.hpp"

namespace simul::detail {

class HandoffTracer final : public Tracer {
 public:
  /// `number` tells the loops of a process apart. The file outlives it.
  HandoffTracer(const Loop& loop, std::FILE* file, int number, bool narrated) noexcept;
  ~HandoffTracer() override;

  void loop_runs() override;
  void step_begins(const TaskBase& task) override;
  void goes_on(const Leaf& leaf) override;
  void enters(const PromiseBase& coroutine) override;
  void waits(const PromiseBase& coroutine, const Leaf& leaf) override;
  void returns(const PromiseBase& coroutine) override;
  void step_ends(const TaskBase& task) override;
  void called_back(const Ready& callback) override;

 private:
  /// Control is there now.
  void hand_over(std::size_t depth, std::string where);
  void tell(const std::string& sentence);
  void tell_queue();
  void tell_what_comes();
  void flush();
  void begin_step();
  /// " 2" if there is another loop to be told apart from.
  [[nodiscard]] std::string suffix() const;
  [[nodiscard]] std::string prefix() const;
  [[nodiscard]] std::size_t depth() const noexcept { return kInStep + here_.size(); }

  static constexpr std::size_t kInStep = 3;

  const Loop& loop_;
  std::FILE* file_;
  const int number_;
  const bool narrated_;
  std::size_t lines_ = 0;
  std::string where_;              // that was told last
  std::vector<std::string> told_;  // of it
  const TaskBase* task_ = nullptr;
  bool step_told_ = false;
  bool queue_was_empty_ = false;
  /// What this step has entered, the innermost last; null: an await that has ended.
  std::vector<const PromiseBase*> here_;
};

}  // namespace simul::detail
