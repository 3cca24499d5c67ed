#include "inspect/round.hpp"

#include <algorithm>
#include <utility>

#include <simul/environment.hpp>

namespace simul::detail {

InquiryRound::~InquiryRound() {
  for (const Asked& asked : loops_) {
    asked.inquiry->abandon();
  }
}

void InquiryRound::ask(const RunningLoops::Reachable& loop, LoopInquiry::Question question,
                       LoopInquiry::Ids wanted) {
  loops_.push_back(
      {.loop = loop,
       .inquiry = LoopInquiry::begin(*loop.mailbox, question, wakeup_, std::move(wanted)),
       .since = Environment::real().now()});
}

bool InquiryRound::complete(TimePoint now) {
  bool complete = true;
  for (Asked& asked : loops_) {
    if (asked.late || asked.inquiry->state() != LoopInquiry::State::asked) {
      continue;
    }
    if (const std::uint32_t progress = asked.inquiry->progress(); progress != asked.progress) {
      asked.progress = progress;
      asked.since = now;
    }
    asked.late = now - asked.since >= kPatience;
    complete = complete && asked.late;
  }
  return complete;
}

TimePoint InquiryRound::deadline() const noexcept {
  TimePoint deadline = kNever;
  for (const Asked& asked : loops_) {
    if (!asked.late && asked.inquiry->state() == LoopInquiry::State::asked) {
      deadline = std::min(deadline, asked.since + kPatience);
    }
  }
  return deadline;
}

}  // namespace simul::detail
