#include "inspect/ps_command.hpp"

#include <algorithm>
#include <charconv>
#include <iostream>
#include <optional>
#include <string>
#include <system_error>
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

constexpr std::uint64_t kMostTasks = 20'000;

struct Row {
  std::string name, awaits, place, since, wake_ups, frames, note;
};

/// Its columns are as wide as what stands in them.
std::string table_of(const nlohmann::json& tasks) {
  std::vector<Row> rows = {{"TASK", "AWAITS", "AT", "SINCE", "WAKE-UPS", "FRAMES", "NOTE"}};
  for (const nlohmann::json& task : tasks) {
    rows.push_back({printable(task.at("name").get<std::string>()), what_it_awaits(task),
                    place_of_task(task), short_time(task.at("since_s").get<double>()),
                    fmt::format("{}", task.at("wake_ups").get<std::uint64_t>()),
                    short_size(task.at("frame_bytes").get<std::uint64_t>()),
                    printable(task.at("note").get<std::string>())});
  }
  const auto width = [&](std::string Row::* column, std::size_t least) {
    for (const Row& row : rows) {
      least = std::max(least, length(row.*column));
    }
    return least;
  };
  const std::size_t name = width(&Row::name, 24);
  const std::size_t awaits = width(&Row::awaits, 22);
  const std::size_t place = width(&Row::place, 24);
  std::string text;
  for (const Row& row : rows) {
    text += fmt::format("{:<{}} {:<{}} {:<{}} {:>8} {:>10} {:>7}  {}\n", row.name, name, row.awaits,
                        awaits, row.place, place, row.since, row.wake_ups, row.frames, row.note);
    while (text.ends_with(" \n")) {
      text.erase(text.size() - 2, 1);
    }
  }
  return text;
}

/// In ASCII: an 8-bit control would reach the terminal as it is.
std::string as_text(const nlohmann::json& json) { return json.dump(2, ' ', true); }

}  // namespace

PsCommand::PsCommand(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("ps", "Show the tasks of a process that runs");
  command
      .add_option("process", target_,
                  "Its PID, or the path of its socket; without one, the only process that there is")
      ->type_name("PID|PATH");
  command.add_flag("-l,--list", list_, "Only list the processes that can be looked at");
  command
      .add_option("--sort", sort_,
                  "By what the tasks are sorted; times and sizes the largest first")
      ->check(CLI::IsMember({"name", "since", "wake_ups", "frame_bytes"}))
      ->capture_default_str();
  command
      .add_option("--filter", filter_,
                  "Only tasks with this text in their name, what they await, where, or their note")
      ->type_name("TEXT");
  command.add_option("--state", state_, "Only tasks that are waiting, or ready")
      ->check(CLI::IsMember({"waiting", "ready"}));
  command
      .add_option_function<std::string>(
          "--limit",
          [this](const std::string& text) {
            const char* const end = text.data() + text.size();
            const auto [stop, error] = std::from_chars(text.data(), end, limit_);
            if (error != std::errc() || stop != end || limit_ > kMostTasks) {
              throw CLI::ValidationError(
                  "--limit", fmt::format("'{}' is no number from 0 to {}", text, kMostTasks));
            }
          },
          "Show so many at most")
      ->type_name("COUNT")
      ->default_str(fmt::format("{}", limit_));
  command.add_flag("--json", json_, "As JSON, with all that is known of each task");
  command.footer(
      "SINCE: how long ago its last step ended. WAKE-UPS: how many steps it has made. FRAMES: the "
      "memory of its coroutines.\n"
      "simul serve can be looked at; any other program that links simul if SIMUL_INSPECT=1 is in "
      "its environment.\n"
      "Exit status: 0 shown, 1 there is no such process, or it doesn't answer, 2 wrong usage.");
}

int PsCommand::list_processes() {
  const std::vector<Process> all = processes();
  if (!json_) {
    std::cout << to_text(all) << std::flush;
    return kSuccess;
  }
  nlohmann::json list = nlohmann::json::array();
  for (const Process& process : all) {
    list.push_back(process.info);
    list.back()["pid"] = process.pid;
    list.back()["socket"] = printable(process.address.path);
  }
  std::cout << as_text(list) << std::endl;
  return kSuccess;
}

int PsCommand::run() {
  if (list_) {
    return list_processes();
  }
  const std::optional<InspectorAddress> address = choose_inspector(target_);
  if (!address) {
    return kUsage;
  }
  InspectorClient client(*address);
  nlohmann::json request = {{"command", "tasks"}, {"limit", limit_}, {"sort", sort_}};
  if (!filter_.empty()) {
    request["filter"] = filter_;
  }
  if (!state_.empty()) {
    request["state"] = state_;
  }
  const nlohmann::json answer = client.ask(request);
  std::string silent;
  client.read([&] {
    silent = silent_loops(answer);
    show(answer);
  });
  std::cerr << silent;
  return silent.empty() ? kSuccess : kFailure;
}

void PsCommand::show(const nlohmann::json& answer) const {
  if (json_) {
    std::cout << as_text(answer) << std::endl;
    return;
  }
  const nlohmann::json& tasks = answer.at("tasks");
  const auto matching = answer.at("matching").get<std::uint64_t>();
  const auto count = answer.at("count").get<std::uint64_t>();
  if (matching == 0 && count > 0) {
    std::cerr << fmt::format("none of {} tasks match\n", grouped(count));
    return;
  }
  if (count > 0) {
    std::cout << table_of(tasks) << std::flush;
  }
  if (tasks.size() < matching) {
    std::cerr << fmt::format("{} of {} tasks are shown\n", grouped(tasks.size()),
                             grouped(matching));
  }
}

}  // namespace simul::cli
