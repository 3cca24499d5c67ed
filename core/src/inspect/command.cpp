#include "inspect/command.hpp"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include <simul/call_graph.hpp>
#include <simul/environment.hpp>
#include <simul/quote.hpp>

#include "inspect/json_writer.hpp"
#include "inspect/options.hpp"
#include "inspect/round.hpp"
#include "os/thread_state.hpp"
#include "watchdog_thread.hpp"

namespace simul::detail {
namespace {

using Question = LoopInquiry::Question;

/// That one answer shows: some ten megabytes.
constexpr std::size_t kMostTasks = 20'000;
constexpr std::size_t kUsualTasks = 1'000;

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

std::string contents(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string command_line() {
  std::string words = contents("/proc/self/cmdline");
  while (words.ends_with('\0')) {
    words.pop_back();
  }
  std::ranges::replace(words, '\0', ' ');
  return words;
}

/// Of the process. Zero if it can't be learned.
Duration uptime() {
  const std::string status = contents("/proc/self/stat");
  std::istringstream fields(status.substr(std::min(status.rfind(')') + 1, status.size())));
  std::string field;
  for (int i = 3; i < 22; ++i) {  // the name was the second one
    fields >> field;
  }
  std::int64_t ticks = 0;
  if (!(fields >> ticks)) {
    return Duration::zero();
  }
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  const Duration since_boot =
      std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  return since_boot - std::chrono::nanoseconds(1'000'000'000 / ::sysconf(_SC_CLK_TCK)) * ticks;
}

/// "0x7f2a4c001230": more than a number in JSON can hold.
std::string id_text(std::uintptr_t id) {
  std::ostringstream text;
  text << "0x" << std::hex << id;
  return text.str();
}

std::string_view name_of(TaskActivity activity) {
  switch (activity) {
    case TaskActivity::ready:
      return "ready";
    case TaskActivity::running:
      return "running";
    case TaskActivity::waiting:
      return "waiting";
  }
}

void append_rate(JsonWriter& json, std::string_view name, std::optional<double> rate) {
  json.key(name);
  rate ? json.value(*rate) : json.null();
}

/// What is asked of all loops, in one round.
class AskAll : public InspectCommand {
 public:
  bool go_on(TimePoint now) override { return round_.complete(now); }
  [[nodiscard]] TimePoint deadline() const noexcept override { return round_.deadline(); }

 protected:
  AskAll(ClientMemory& memory, const InspectedProgram& program, Question question)
      : memory_(memory),
        program_(program),
        round_(program.wakeup),
        begin_(Environment::real().now()),
        passed_(memory.at == TimePoint() ? std::nullopt : std::optional(begin_ - memory.at)) {
    for (const RunningLoops::Reachable& loop : RunningLoops::instance().reach()) {
      round_.ask(loop, question);
    }
  }

  [[nodiscard]] InquiryRound& round() noexcept { return round_; }
  [[nodiscard]] ClientMemory& memory() noexcept { return memory_; }
  [[nodiscard]] const InspectedProgram& program() const noexcept { return program_; }
  [[nodiscard]] TimePoint begin() const noexcept { return begin_; }
  /// Since the client's last answer; none: there was none.
  [[nodiscard]] std::optional<Duration> passed() const noexcept { return passed_; }

  void append_loops(JsonWriter& json) {
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
    if (begin_ ==
        memory_.at) {  // else what was remembered is still of the time to which rates refer
      memory_.loops = std::move(used_by);
    }
    json.end_array();
  }

  void append_counters(JsonWriter& json) const {
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

 private:
  /// What can be known of a loop that doesn't answer.
  void append_silence(JsonWriter& json, const RunningLoops::Glimpse& glimpse,
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

  ClientMemory& memory_;
  const InspectedProgram& program_;
  InquiryRound round_;
  const TimePoint begin_;
  const std::optional<Duration> passed_;
};

class InfoCommand final : public AskAll {
 public:
  InfoCommand(const RequestOptions& options, ClientMemory& memory, const InspectedProgram& program)
      : AskAll(memory, program, Question::count) {
    options.require_no_more();
  }

  std::string answer() override {
    JsonWriter json;
    json.begin_object().field("ok", true);
    json.field("pid", ::getpid());
    json.field("program", program_invocation_short_name);
    json.field("command_line", command_line());
    json.field("simul", SIMUL_VERSION);
    json.field("uptime_s", seconds(uptime()));
    append_loops(json);
    append_counters(json);
    return json.end_object().text();
  }
};

/// A choice of tasks: first all in outline, then those that were chosen in full.
class ChooseTasks : public AskAll {
 public:
  bool go_on(TimePoint now) override {
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
  void consider_all() {
    for (std::size_t i = 0; i < round().loops().size(); ++i) {
      if (const LoopInquiry::Answer* answer = round().loops()[i].answer()) {
        for (const TaskSketch& sketch : answer->sketches) {
          candidates_.push_back({.sketch = &sketch, .loop = i});
        }
      }
    }
  }

  /// Says of each what it has done since the client's last answer, and remembers what to say next time.
  void rate_candidates() {
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

  /// What the loops say of the candidates, by their order; those that have ended meanwhile are null.
  [[nodiscard]] std::vector<const TaskInfo*> details() const {
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

 private:
  void rate(Candidate& candidate) {
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

  /// What describing them has cost belongs to what sketching them has.
  void add_pauses() {
    for (const InquiryRound::Asked& detail : details_.loops()) {
      const auto loop =
          std::ranges::find_if(round().loops(), [&](const InquiryRound::Asked& asked) {
            return asked.loop.mailbox == detail.loop.mailbox;
          });
      if (detail.answer() != nullptr) {
        Duration& pause = loop->answer()->longest_pause;
        pause = std::max(pause, detail.answer()->longest_pause);
      }
    }
  }

  void ask_for_chosen() {
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

  bool chosen_ = false;
  std::vector<Candidate> candidates_;
  InquiryRound details_;
};

class TasksCommand final : public ChooseTasks {
 public:
  TasksCommand(RequestOptions options, ClientMemory& memory, const InspectedProgram& program)
      : ChooseTasks(memory, program, options.has("filter") ? Question::texts : Question::sketches),
        limit_(options.count("limit", kMostTasks, kUsualTasks)),
        sort_(options.one_of("sort", {"busy", "wake_ups", "since", "frame_bytes", "name"}, "busy")),
        reverse_(options.truth("reverse", false)),
        state_(options.one_of("state", {"", "ready", "waiting"}, "")),
        filter_(options.text("filter", "")) {
    options.require_no_more();
  }

  std::string answer() override {
    JsonWriter json;
    json.begin_object().field("ok", true);
    json.field("count", count_);
    json.field("matching", matching_);
    append_loops(json);
    append_counters(json);
    json.key("tasks").begin_array();
    const std::vector<const TaskInfo*> infos = details();
    for (std::size_t i = 0; i < infos.size(); ++i) {
      if (infos[i] != nullptr) {
        append_task(json, *infos[i], candidates()[i]);
      }
    }
    json.end_array();
    return json.end_object().text();
  }

 private:
  void choose() override {
    consider_all();
    rate_candidates();
    count_ = candidates().size();
    std::erase_if(candidates(),
                  [&](const Candidate& candidate) { return !matches(*candidate.sketch); });
    matching_ = candidates().size();
    const std::size_t shown = std::min<std::size_t>(limit_, matching_);
    const auto middle = candidates().begin() + static_cast<std::ptrdiff_t>(shown);
    if (sort_ == "name") {
      std::unordered_map<std::uintptr_t, std::string> labels;
      for (const Candidate& candidate : candidates()) {
        labels.emplace(candidate.sketch->id, candidate.sketch->label());
      }
      sort_by(middle, [&](const Candidate& a, const Candidate& b) {
        return labels[a.sketch->id] < labels[b.sketch->id];
      });
    } else {
      sort_by(middle, [&](const Candidate& a, const Candidate& b) { return key(a) > key(b); });
    }
    candidates().resize(shown, Candidate{});
  }

  template <typename Less>
  void sort_by(std::vector<Candidate>::iterator middle, Less less) {
    std::partial_sort(candidates().begin(), middle, candidates().end(),
                      [&](const Candidate& a, const Candidate& b) {
                        const bool ab = reverse_ ? less(b, a) : less(a, b);
                        const bool ba = reverse_ ? less(a, b) : less(b, a);
                        return ab || (!ba && a.sketch->id < b.sketch->id);  // rows don't dance
                      });
  }

  [[nodiscard]] double key(const Candidate& candidate) const {
    if (sort_ == "busy") {
      return candidate.busy.value_or(seconds(candidate.sketch->busy));
    }
    if (sort_ == "wake_ups") {
      return candidate.wake_ups_per_second.value_or(candidate.sketch->wake_ups);
    }
    if (sort_ == "since") {
      return seconds(candidate.sketch->since);
    }
    return static_cast<double>(candidate.sketch->frame_bytes);
  }

  [[nodiscard]] bool matches(const TaskSketch& task) const {
    if (!state_.empty() && state_ != name_of(task.activity)) {
      return false;
    }
    const auto has = [&](std::string_view text) {
      return text.find(filter_) != std::string_view::npos;
    };
    return filter_.empty() || has(task.waits_for_in_full) || has(task.label()) || has(task.note) ||
           (task.innermost.line() != 0 && has(place(task.innermost)));
  }

  void append_task(JsonWriter& json, const TaskInfo& task, const Candidate& candidate) {
    json.begin_object();
    json.field("id", id_text(task.id));
    json.field("thread", round().loops()[candidate.loop].loop.glimpse.thread);
    if (task.parent != 0) {
      json.field("parent", id_text(task.parent));
    }
    json.field("name", task.name);
    json.field("state", name_of(task.activity));
    json.field("waits_for", task.waits_for);
    if (task.awaited != 0) {
      json.field("awaits", id_text(task.awaited));
    }
    json.key("calls").begin_array();
    for (const std::source_location& call : task.calls) {
      json.begin_object().field("function", function_label(call));
      json.field("file", call.file_name()).field("line", call.line()).end_object();
    }
    json.end_array();
    json.field("since_s", seconds(task.since));
    json.field("wake_ups", task.wake_ups);
    append_rate(json, "wake_ups_per_s", candidate.wake_ups_per_second);
    append_rate(json, "busy", candidate.busy);
    if (task.times) {
      json.field("busy_s", seconds(task.times->busy)).field("idle_s", seconds(task.times->idle));
    }
    json.field("frame_bytes", task.frame_bytes);
    json.field("note", task.note);
    json.end_object();
  }

  const std::uint64_t limit_;
  const std::string sort_;
  const bool reverse_;
  const std::string state_;
  const std::string filter_;
  std::size_t count_ = 0;
  std::size_t matching_ = 0;
};

class DumpCommand final : public ChooseTasks {
 public:
  DumpCommand(const RequestOptions& options, ClientMemory& memory, const InspectedProgram& program)
      : ChooseTasks(memory, program) {
    options.require_no_more();
  }

  std::string answer() override {
    JsonWriter json;
    json.begin_object().field("ok", true);
    json.field("count", count_);
    append_loops(json);
    std::vector<TaskInfo> tasks;
    for (const TaskInfo* info : details()) {
      if (info != nullptr) {
        tasks.push_back(*info);
      }
    }
    json.field("text", to_string(tasks));
    return json.end_object().text();
  }

 private:
  void choose() override {
    consider_all();
    count_ = candidates().size();
    candidates().resize(std::min(count_, kMostTasks), Candidate{});
  }

  std::size_t count_ = 0;
};

/// Its effect is that of the client's memory, which the inspector looks at before it answers: from then on the loops
/// know.
class CountTimeCommand final : public InspectCommand {
 public:
  CountTimeCommand(RequestOptions options, ClientMemory& memory) {
    const bool on = options.required_truth("on");
    options.require_no_more();
    memory.counts_time = on;
  }
  bool go_on(TimePoint) override { return std::exchange(told_, true); }
  [[nodiscard]] TimePoint deadline() const noexcept override { return TimePoint(); }
  std::string answer() override {
    return JsonWriter().begin_object().field("ok", true).end_object().text();
  }

 private:
  bool told_ = false;
};

}  // namespace

std::unique_ptr<InspectCommand> InspectCommand::begin(const InspectRequest& request,
                                                      ClientMemory& memory,
                                                      const InspectedProgram& program) {
  const std::string& command = request.command();
  RequestOptions options(request);
  if (command == "info") {
    return std::make_unique<InfoCommand>(options, memory, program);
  }
  if (command == "tasks") {
    return std::make_unique<TasksCommand>(std::move(options), memory, program);
  }
  if (command == "dump") {
    return std::make_unique<DumpCommand>(options, memory, program);
  }
  if (command == "count_time") {
    return std::make_unique<CountTimeCommand>(std::move(options), memory);
  }
  throw RequestError("there is no command " + quote(command) +
                     "; there are info, tasks, dump and count_time");
}

std::string error_answer(std::string_view why) {
  return JsonWriter().begin_object().field("ok", false).field("error", why).end_object().text();
}

}  // namespace simul::detail
