#include "inspect/pstree_command.hpp"

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "exit_status.hpp"
#include "inspect/figures.hpp"
#include "inspect/inspector_client.hpp"
#include "inspect/processes.hpp"

namespace simul::cli {
namespace {

/// Of tasks that stand at the same place; then it says how many more there are.
constexpr std::size_t kShownAlike = 3;

/// What is deeper stands under each other: else a long chain would have its square in bytes.
constexpr std::size_t kDeepestIndent = 64;

/// Of any tasks: their ids may repeat, and a task may be said to be below itself.
class TaskTree {
 public:
  TaskTree(const nlohmann::json& tasks, bool all) : all_(all) {
    std::unordered_map<std::string, std::size_t> known;
    for (const nlohmann::json& task : tasks) {
      if (known.try_emplace(task.at("id").get<std::string>(), tasks_.size()).second) {
        tasks_.push_back({.json = &task});
      }
    }
    for (Node& node : tasks_) {
      if (const auto parent = known.find(node.json->value("parent", "")); parent != known.end()) {
        node.parent = parent->second;
      }
    }
    cut_rings();
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
      (tasks_[i].parent == kNone ? roots_ : tasks_[tasks_[i].parent].below).push_back(i);
    }
  }

  std::string draw() {
    std::vector<Level> levels;  // from a root down to what is being drawn
    levels.push_back({.branches = branches_of(roots_)});
    while (!levels.empty()) {
      Level& level = levels.back();
      if (level.next == level.branches.size()) {
        levels.pop_back();
        continue;
      }
      const Branch branch = level.branches[level.next++];
      const bool last = level.next == level.branches.size();
      text_ += level.indent + (last ? "└─ " : "├─ ");
      if (branch.more > 0) {
        text_ += fmt::format("... and {} more like this\n", grouped(branch.more));
        continue;
      }
      std::string indent =
          levels.size() < kDeepestIndent ? level.indent + (last ? "   " : "│  ") : level.indent;
      const Node& node = tasks_[branch.task];
      draw_task(*node.json, indent + (node.below.empty() ? "   " : "│  "));
      if (!node.below.empty()) {
        levels.push_back({.branches = branches_of(node.below), .indent = std::move(indent)});
      }
    }
    return std::move(text_);
  }

 private:
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

  struct Node {
    const nlohmann::json* json;
    std::size_t parent = kNone;
    std::size_t walk = kNone;  // the one of cut_rings() that came here
    std::vector<std::size_t> below{};
  };
  struct Branch {
    std::size_t task = kNone;
    std::size_t more = 0;  // no task, but so many like the one before
  };
  struct Level {
    std::vector<Branch> branches;
    std::size_t next = 0;
    std::string indent{};
  };

  /// One of each ring becomes a root.
  void cut_rings() {
    for (std::size_t first = 0; first < tasks_.size(); ++first) {
      std::size_t i = first;
      while (i != kNone && tasks_[i].walk == kNone) {
        tasks_[i].walk = first;
        i = tasks_[i].parent;
      }
      if (i != kNone && tasks_[i].walk == first) {
        tasks_[i].parent = kNone;
      }
    }
  }

  void draw_task(const nlohmann::json& task, const std::string& indent) {
    const std::string note = printable(task.at("note").get<std::string>());
    text_ +=
        printable(task.at("name").get<std::string>()) + (note.empty() ? "" : ": " + note) + '\n';
    const nlohmann::json& calls = task.at("calls");
    for (auto call = calls.rbegin(); call != calls.rend(); ++call) {
      text_ += fmt::format("{}{}() at {}\n", indent,
                           printable(call->at("function").get<std::string>()), place_of(*call));
    }
    const bool waits = task.at("state") == "waiting";
    text_ += fmt::format("{}{}{}, since {}\n", indent, waits ? "waits for " : "",
                         what_it_awaits(task), short_time(task.at("since_s").get<double>()));
  }

  /// Those alike stand together, in the order of their first.
  std::vector<Branch> branches_of(const std::vector<std::size_t>& tasks) const {
    std::vector<std::vector<std::size_t>> kinds;
    std::unordered_map<std::string, std::size_t> known;
    for (const std::size_t task : tasks) {
      const auto [kind, is_new] = known.try_emplace(kind_of(tasks_[task]), kinds.size());
      if (is_new) {
        kinds.emplace_back();
      }
      kinds[kind->second].push_back(task);
    }
    std::vector<Branch> branches;
    for (const auto& alike : kinds) {
      // A line that hides one task would save nothing.
      const bool shows_all = all_ || alike.size() <= kShownAlike + 1;
      const std::size_t shown = shows_all ? alike.size() : kShownAlike;
      for (std::size_t i = 0; i < shown; ++i) {
        branches.push_back({.task = alike[i]});
      }
      if (shown < alike.size()) {
        branches.push_back({.more = alike.size() - shown});
      }
    }
    return branches;
  }

  /// Tasks with others below them are each their own.
  static std::string kind_of(const Node& node) {
    const nlohmann::json& task = *node.json;
    return !node.below.empty() ? task.at("id").get<std::string>()
                               : task.at("name").get<std::string>() +
                                     task.at("state").get<std::string>() + task.at("calls").dump();
  }

  const bool all_;
  std::vector<Node> tasks_;
  std::vector<std::size_t> roots_;
  std::string text_;
};

void show(const nlohmann::json& info, const nlohmann::json& answer, bool all) {
  const auto count = answer.at("count").get<std::uint64_t>();
  const nlohmann::json& tasks = answer.at("tasks");
  const nlohmann::json& loops = answer.at("loops");
  std::cout << fmt::format("{} {}: {} tasks on {} loop{}\n",
                           printable(info.at("program").get<std::string>()),
                           info.at("pid").get<std::int64_t>(), task_count(loops), loops.size(),
                           loops.size() == 1 ? "" : "s")
            << TaskTree(tasks, all).draw() << std::flush;
  if (tasks.size() < count) {
    std::cerr << fmt::format("{} of {} tasks are shown\n", grouped(tasks.size()), grouped(count));
  }
}

}  // namespace

PstreeCommand::PstreeCommand(CLI::App& app) {
  CLI::App& command = *app.add_subcommand(
      "pstree", "Show the tasks of a process that runs as a tree, with their coroutines");
  command
      .add_option("process", target_,
                  "Its PID, or the path of its socket; without one, the only process that there is")
      ->type_name("PID|PATH");
  command.add_flag("-a,--all", all_, "Every task, also where many stand at the same place");
  command.footer(
      "Below each task: its coroutines with the place of their await, the outermost first, and "
      "what it awaits. Then the "
      "tasks of\n"
      "its groups. Of tasks at the same place three are shown.\n"
      "Exit status: 0 shown, 1 there is no such process, or it doesn't answer, 2 wrong usage.");
}

int PstreeCommand::run() {
  const std::optional<InspectorAddress> address = choose_inspector(target_);
  if (!address) {
    return kUsage;
  }
  InspectorClient client(*address);
  const nlohmann::json info = client.ask({{"command", "info"}});
  const nlohmann::json answer =
      client.ask({{"command", "tasks"}, {"limit", 20'000}, {"sort", "since"}});
  std::string silent;
  client.read([&] {
    silent = silent_loops(answer);
    show(info, answer, all_);
  });
  std::cerr << silent;
  return silent.empty() ? kSuccess : kFailure;
}

}  // namespace simul::cli
