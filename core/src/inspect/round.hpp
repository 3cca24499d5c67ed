// InquiryRound: the same question to several loops, until the last one has answered or is given up.
//
//   InquiryRound round(loops, Question::count, wakeup);
//   if (round.complete(now)) for (auto& asked : round.loops()) if (asked.answer()) ...
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <simul/clock.hpp>

#include "inspect/loop_inquiry.hpp"
#include "inspect/wakeup.hpp"
#include "running_loops.hpp"

namespace simul::detail {

class InquiryRound {
 public:
  /// So long a loop may do nothing about the question.
  static constexpr Duration kPatience = std::chrono::seconds(1);

  struct Asked {
    RunningLoops::Reachable loop;
    std::shared_ptr<LoopInquiry> inquiry;
    TimePoint since;  // of its last progress
    std::uint32_t progress = 0;
    bool late = false;

    [[nodiscard]] LoopInquiry::Answer* answer() const noexcept {
      return inquiry->state() == LoopInquiry::State::answered ? &inquiry->answer() : nullptr;
    }
  };

  explicit InquiryRound(std::shared_ptr<Wakeup> wakeup) noexcept : wakeup_(std::move(wakeup)) {}
  ~InquiryRound();
  InquiryRound(const InquiryRound&) = delete;
  InquiryRound& operator=(const InquiryRound&) = delete;

  void ask(const RunningLoops::Reachable& loop, LoopInquiry::Question question,
           LoopInquiry::Ids wanted = {});

  /// Gives up those that do nothing.
  [[nodiscard]] bool complete(TimePoint now);
  /// When complete() may change without a word from a loop.
  [[nodiscard]] TimePoint deadline() const noexcept;
  [[nodiscard]] const std::vector<Asked>& loops() const noexcept { return loops_; }

 private:
  std::shared_ptr<Wakeup> wakeup_;
  std::vector<Asked> loops_;
};

}  // namespace simul::detail
