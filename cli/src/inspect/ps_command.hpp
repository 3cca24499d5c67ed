// `simul ps [PID]`: the tasks of a process that runs, as a table or as JSON; or which processes there are.
#pragma once

#include <cstdint>
#include <string>

#include <CLI/App.hpp>
#include <nlohmann/json_fwd.hpp>

namespace simul::cli {

class PsCommand {
 public:
  explicit PsCommand(CLI::App& app);
  int run();

 private:
  int list_processes();
  void show(const nlohmann::json& answer) const;

  std::string target_;
  std::string sort_ = "name";
  std::string state_;
  std::string filter_;
  std::uint64_t limit_ = 20'000;
  bool list_ = false;
  bool json_ = false;
};

}  // namespace simul::cli
