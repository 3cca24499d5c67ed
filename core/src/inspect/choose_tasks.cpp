#include "inspect/choose_tasks.hpp"

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <utility>

namespace simul::detail {

bool ChooseTasks::go_on(TimePoint now) {
  if (!AskAll::go_on(now)) {
    return false;
  }
  if (!chosen_) {
    chosen_ = true;
    choose();
    ask_for_chosen();
  }
  if (!details_.complete(now)) {
    return false;
  }
  add_pauses();
  return true;
}

void ChooseTasks::consider_all() {
  for (std::size_t i = 0; i < round().loops().size(); ++i) {
    if (const LoopInquiry::Answer* answer = round().loops()[i].answer()) {
      for (const TaskSketch& sketch : answer->sketches) {
        candidates_.push_back({.sketch = &sketch, .loop = i});
      }
    }
  }
}

void ChooseTasks::rate_candidates() {
  std::unordered_map<std::uintptr_t, ClientMemory::Counts> counts;
  counts.reserve(candidates_.size());
  for (Candidate& candidate : candidates_) {
    rate(candidate);
    counts.emplace(candidate.sketch->id,
                   ClientMemory::Counts{candidate.sketch->wake_ups, candidate.sketch->busy});
  }
  memory().tasks = std::move(counts);
  memory().at = begin();
}

std::vector<const TaskInfo*> ChooseTasks::details() const {
  std::unordered_map<std::uintptr_t, const TaskInfo*> known;
  for (const InquiryRound::Asked& asked : details_.loops()) {
    if (const LoopInquiry::Answer* answer = asked.answer()) {
      for (const TaskInfo& info : answer->infos) {
        known.emplace(info.id, &info);
      }
    }
  }
  std::vector<const TaskInfo*> details;
  details.reserve(candidates_.size());
  for (const Candidate& candidate : candidates_) {
    const auto info = known.find(candidate.sketch->id);
    details.push_back(info != known.end() ? info->second : nullptr);
  }
  return details;
}

void ChooseTasks::rate(Candidate& candidate) {
  const std::optional<Duration> time = passed();
  if (!time) {
    return;
  }
  const TaskSketch& now = *candidate.sketch;
  const auto known = memory().tasks.find(now.id);
  const bool is_new = known == memory().tasks.end() || known->second.busy > now.busy;
  const ClientMemory::Counts before = is_new ? ClientMemory::Counts{} : known->second;
  candidate.wake_ups_per_second = (now.wake_ups - before.wake_ups) / seconds(*time);
  if (memory().counts_time) {
    candidate.busy = seconds(now.busy - before.busy) / seconds(*time);
  }
}

void ChooseTasks::add_pauses() {
  for (const InquiryRound::Asked& detail : details_.loops()) {
    const auto loop = std::ranges::find_if(round().loops(), [&](const InquiryRound::Asked& asked) {
      return asked.loop.mailbox == detail.loop.mailbox;
    });
    if (detail.answer() != nullptr) {
      Duration& pause = loop->answer()->longest_pause;
      pause = std::max(pause, detail.answer()->longest_pause);
    }
  }
}

void ChooseTasks::ask_for_chosen() {
  std::vector<LoopInquiry::Ids> wanted(round().loops().size());
  for (const Candidate& candidate : candidates_) {
    wanted[candidate.loop].insert(candidate.sketch->id);
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!wanted[i].empty()) {
      details_.ask(round().loops()[i].loop, Question::infos, std::move(wanted[i]));
    }
  }
}

}  // namespace simul::detail
