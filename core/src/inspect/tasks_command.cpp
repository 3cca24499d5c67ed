#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <simul/call_graph.hpp>

#include "inspect/choose_tasks.hpp"
#include "inspect/commands.hpp"
#include "inspect/json_writer.hpp"

namespace simul::detail {
namespace {

constexpr std::size_t kUsualTasks = 1'000;

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

class TasksCommand final : public ChooseTasks {
 public:
  TasksCommand(RequestOptions& options, ClientMemory& memory, const InspectedProgram& program)
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

}  // namespace

std::unique_ptr<InspectCommand> tasks_command(RequestOptions& options, ClientMemory& memory,
                                              const InspectedProgram& program) {
  return std::make_unique<TasksCommand>(options, memory, program);
}

}  // namespace simul::detail
