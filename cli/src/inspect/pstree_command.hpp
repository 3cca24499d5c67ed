// `simul pstree [PID]`: the tasks of a process as a tree of groups, each with its coroutines down to what it awaits.
#pragma once

#include <string>

#include <CLI/App.hpp>

namespace simul::cli {

class PstreeCommand {
 public:
  explicit PstreeCommand(CLI::App& app);
  int run();

 private:
  std::string target_;
  bool all_ = false;
};

}  // namespace simul::cli
