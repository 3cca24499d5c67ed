#include "inspect/ask_all.hpp"

#include <sys/types.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <simul/environment.hpp>

#include "os/thread_state.hpp"
#include "watchdog_thread.hpp"

namespace simul::detail {

void append_rate(JsonWriter& json, std::string_view name, std::optional<double> rate) {
  json.key(name);
  rate ? json.value(*rate) : json.null();
}

AskAll::AskAll(ClientMemory& memory, const InspectedProgram& program, Question question)
    : memory_(memory),
      program_(program),
      round_(program.wakeup),
      begin_(Environment::real().now()),
      passed_(memory.at == TimePoint() ? std::nullopt : std::optional(begin_ - memory.at)) {
  for (const RunningLoops::Reachable& loop : RunningLoops::instance().reach()) {
    round_.ask(loop, question);
  }
}

void AskAll::append_loops(JsonWriter& json) {
  json.key("loops").begin_array();
  std::unordered_map<pid_t, Duration> used_by;
  const std::vector<RunningLoops::Glimpse> now = RunningLoops::instance().look();
  for (const InquiryRound::Asked& asked : round_.loops()) {
    if (asked.inquiry->state() == LoopInquiry::State::gone) {
      continue;
    }
    const RunningLoops::Glimpse& glimpse = asked.loop.glimpse;
    json.begin_object().field("thread", glimpse.thread);
    json.field("answers", asked.answer() != nullptr);
    if (const LoopInquiry::Answer* answer = asked.answer()) {
      json.field("tasks", answer->task_count);
      json.field("turns", glimpse.turn / 2);
      json.field("pause_ns", answer->longest_pause.count());
    } else {
      append_silence(json, glimpse, std::ranges::find(now, glimpse) != now.end());
    }
    const Duration used = os::processor_time(glimpse.thread);
    const auto before = memory_.loops.find(glimpse.thread);
    json.field("busy_s", seconds(used));
    append_rate(json, "busy",
                before != memory_.loops.end() && passed_
                    ? std::optional(seconds(used - before->second) / seconds(*passed_))
                    : std::nullopt);
    used_by.emplace(glimpse.thread, used);
    json.end_object();
  }
  if (begin_ == memory_.at) {  // else what was remembered is still of the time to which rates refer
    memory_.loops = std::move(used_by);
  }
  json.end_array();
}

void AskAll::append_counters(JsonWriter& json) const {
  json.key("counters").begin_object();
  if (const std::optional<std::uint64_t> stalls = stalls_so_far()) {
    json.field("stalls", *stalls);
  }
  if (program_.counters) {
    for (const auto& [name, count] : program_.counters()) {
      json.field(name, count);
    }
  }
  json.end_object();
}

void AskAll::append_silence(JsonWriter& json, const RunningLoops::Glimpse& glimpse,
                            bool same_step) const {
  const Duration length = Environment::real().now() - begin_;
  std::string text =
      "no answer for " + std::to_string(length / std::chrono::milliseconds(1)) + " ms";
  if (same_step && glimpse.in_step()) {
    text += ": a step holds it up";
  }
  if (const auto call = os::thread_state(glimpse.thread).call) {
    text += ", its thread is in " + call->name;
  }
  json.field("silence", text);
}

}  // namespace simul::detail
