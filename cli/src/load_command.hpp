// `simul load TARGET`: measures a server and verifies what it says.
#pragma once

#include <string>

#include <CLI/App.hpp>

#include <simul/load/options.hpp>

namespace simul::cli {

class LoadCommand {
 public:
  explicit LoadCommand(CLI::App& app);
  int run();

 private:
  load::Options options_;
  std::string json_path_;
  bool quiet_ = false;
};

}  // namespace simul::cli
