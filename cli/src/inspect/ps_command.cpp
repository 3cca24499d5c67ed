#include "inspect/ps_command.hpp"

#include <iostream>
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

std::string table_of(const nlohmann::json& answer) {
  std::string text = fmt::format("{:<24} {:<22} {:<24} {:>8} {:>10} {:>7}  {}\n", "TASK", "AWAITS",
                                 "AT", "SINCE", "WAKE-UPS", "FRAMES", "NOTE");
  for (const nlohmann::json& task : answer.at("tasks")) {
    text += fmt::format("{:<24} {:<22} {:<24} {:>8} {:>10} {:>7}  {}\n",
                        printable(task.at("name").get<std::string>()), what_it_awaits(task),
                        place_of_task(task), short_time(task.at("since_s").get<double>()),
                        task.at("wake_ups").get<std::uint64_t>(),
                        short_size(task.at("frame_bytes").get<std::uint64_t>()),
                        printable(task.at("note").get<std::string>()));
    while (text.ends_with(" \n")) {
      text.erase(text.size() - 2, 1);
    }
  }
  return text;
}

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
                  "Only tasks with this text in their name, what they await, or where")
      ->type_name("TEXT");
  command.add_option("--state", state_, "Only tasks that are waiting, or ready")
      ->check(CLI::IsMember({"waiting", "ready"}));
  command.add_option("--limit", limit_, "Show so many at most")
      ->check(CLI::Range(0, 20'000))
      ->capture_default_str();
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
    list.back()["socket"] = process.path;
  }
  std::cout << list.dump(2) << std::endl;
  return kSuccess;
}

int PsCommand::run() {
  if (list_) {
    return list_processes();
  }
  const std::string path = choose_inspector(target_);
  if (path.empty()) {
    return kUsage;
  }
  InspectorClient client(path);
  nlohmann::json request = {{"command", "tasks"}, {"limit", limit_}, {"sort", sort_}};
  if (!filter_.empty()) {
    request["filter"] = filter_;
  }
  if (!state_.empty()) {
    request["state"] = state_;
  }
  const nlohmann::json answer = client.ask(request);
  if (json_) {
    std::cout << answer.dump(2) << std::endl;
  } else {
    std::cout << table_of(answer) << std::flush;
    const auto matching = answer.at("matching").get<std::uint64_t>();
    if (const std::size_t shown = answer.at("tasks").size(); shown < matching) {
      std::cerr << fmt::format("{} of {} tasks are shown\n", grouped(shown), grouped(matching));
    }
  }
  const std::string silent = silent_loops(answer);
  std::cerr << silent;
  return silent.empty() ? kSuccess : kFailure;
}

}  // namespace simul::cli
