#include "inspect/pstree_command.hpp"

#include <algorithm>
#include <iostream>
#include <map>
#include <string_view>
#include <unordered_set>
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

class TaskTree {
 public:
  TaskTree(const nlohmann::json& tasks, bool all) : all_(all) {
    std::unordered_set<std::string> ids;
    for (const nlohmann::json& task : tasks) {
      ids.insert(task.at("id").get<std::string>());
    }
    for (const nlohmann::json& task : tasks) {
      const std::string parent = task.value("parent", "");
      children_[ids.contains(parent) ? parent : ""].push_back(&task);
    }
  }

  std::string draw() {
    draw_children("", "");
    return std::move(text_);
  }

 private:
  struct Branch {
    const nlohmann::json* task;  // null: so many like the one before
    std::size_t more = 0;
  };

  void draw_children(const std::string& parent, const std::string& indent) {
    const std::vector<Branch> branches = branches_of(parent);
    for (std::size_t i = 0; i < branches.size(); ++i) {
      const bool last = i + 1 == branches.size();
      text_ += indent + (last ? "└─ " : "├─ ");
      if (branches[i].task == nullptr) {
        text_ += fmt::format("... and {} more like this\n", grouped(branches[i].more));
      } else {
        draw_task(*branches[i].task, indent + (last ? "   " : "│  "));
      }
    }
  }

  void draw_task(const nlohmann::json& task, const std::string& indent) {
    const std::string id = task.at("id").get<std::string>();
    const std::string note = printable(task.at("note").get<std::string>());
    text_ +=
        printable(task.at("name").get<std::string>()) + (note.empty() ? "" : ": " + note) + '\n';
    const std::string below = indent + (children_.contains(id) ? "│  " : "   ");
    const nlohmann::json& calls = task.at("calls");
    for (auto call = calls.rbegin(); call != calls.rend(); ++call) {
      text_ += fmt::format("{}{}() at {}\n", below,
                           printable(call->at("function").get<std::string>()), place_of(*call));
    }
    const bool waits = task.at("state") == "waiting";
    text_ += fmt::format("{}{}{}, since {}\n", below, waits ? "waits for " : "",
                         what_it_awaits(task), short_time(task.at("since_s").get<double>()));
    draw_children(id, indent);
  }

  /// Those alike stand together, in the order of their first.
  std::vector<Branch> branches_of(const std::string& parent) {
    const auto found = children_.find(parent);
    if (found == children_.end()) {
      return {};
    }
    std::vector<std::vector<const nlohmann::json*>> kinds;
    std::map<std::string, std::size_t> known;
    for (const nlohmann::json* task : found->second) {
      const auto [kind, is_new] = known.try_emplace(kind_of(*task), kinds.size());
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
        branches.push_back({.task = nullptr, .more = alike.size() - shown});
      }
    }
    return branches;
  }

  /// Tasks with others below them are each their own.
  std::string kind_of(const nlohmann::json& task) const {
    const std::string id = task.at("id").get<std::string>();
    return children_.contains(id)
               ? id
               : task.at("name").get<std::string>() + task.at("state").get<std::string>() +
                     task.at("calls").dump();
  }

  const bool all_;
  std::map<std::string, std::vector<const nlohmann::json*>> children_;
  std::string text_;
};

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
  const std::string path = choose_inspector(target_);
  if (path.empty()) {
    return kUsage;
  }
  InspectorClient client(path);
  const nlohmann::json info = client.ask({{"command", "info"}});
  const nlohmann::json answer =
      client.ask({{"command", "tasks"}, {"limit", 20'000}, {"sort", "since"}});
  const auto count = answer.at("count").get<std::uint64_t>();
  const std::size_t loops = answer.at("loops").size();
  std::cout << fmt::format("{} {}: {} tasks on {} loop{}\n",
                           printable(info.at("program").get<std::string>()),
                           info.at("pid").get<std::int64_t>(), grouped(count), loops,
                           loops == 1 ? "" : "s")
            << TaskTree(answer.at("tasks"), all_).draw() << std::flush;
  if (const std::size_t shown = answer.at("tasks").size(); shown < count) {
    std::cerr << fmt::format("{} of {} tasks are shown\n", grouped(shown), grouped(count));
  }
  const std::string silent = silent_loops(answer);
  std::cerr << silent;
  return silent.empty() ? kSuccess : kFailure;
}

}  // namespace simul::cli
