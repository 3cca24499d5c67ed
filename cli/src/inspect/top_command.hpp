// `simul top [PID]`: the tasks of a process, full-screen, again every second.
#pragma once

#include <chrono>
#include <string>

#include <CLI/App.hpp>

#include <simul/clock.hpp>

namespace simul::cli {

class TopCommand {
 public:
  explicit TopCommand(CLI::App& app);
  int run();

 private:
  std::string target_;
  std::string sort_ = "busy";
  std::string filter_;
  Duration interval_ = std::chrono::seconds(1);
};

}  // namespace simul::cli
