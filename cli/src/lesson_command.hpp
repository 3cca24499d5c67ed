// `simul lesson [name] [arguments...]`: small programs that show how coroutines, tasks and loops work.
#pragma once

#include <string>
#include <vector>

#include <CLI/App.hpp>

namespace simul::cli {

class LessonCommand {
 public:
  explicit LessonCommand(CLI::App& app);
  int run();

 private:
  CLI::App* command_;
  std::string name_;
  std::string trace_;
  bool source_ = false;
};

}  // namespace simul::cli
