// `simul serve [CONFIG]`: runs the server in the foreground until SIGTERM or SIGINT.
#pragma once

#include <string>

#include <CLI/App.hpp>

namespace simul::cli {

class ServeCommand {
 public:
  explicit ServeCommand(CLI::App& app);
  int run();

 private:
  std::string config_path_;
};

}  // namespace simul::cli
