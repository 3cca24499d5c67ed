// `simul check CONFIG`: finds all mistakes of a configuration without running it.
#pragma once

#include <string>

#include <CLI/App.hpp>

namespace simul::cli {

class CheckCommand {
 public:
  explicit CheckCommand(CLI::App& app);
  int run();

 private:
  std::string config_path_;
};

}  // namespace simul::cli
