// `simul config --default | --reference`: the configuration explained, as files to start from.
#pragma once

#include <CLI/App.hpp>

namespace simul::cli {

class ConfigCommand {
 public:
  explicit ConfigCommand(CLI::App& app);
  int run();

 private:
  bool default_ = false;
  bool reference_ = false;
};

}  // namespace simul::cli
