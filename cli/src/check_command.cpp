#include "check_command.hpp"

#include <iostream>
#include <optional>

#include <CLI/CLI.hpp>

#include <simul/protocols/builtin.hpp>
#include <simul/server/server.hpp>

#include "configuration.hpp"
#include "exit_status.hpp"

namespace simul::cli {

CheckCommand::CheckCommand(CLI::App& app) {
  CLI::App* command = app.add_subcommand("check", "Find the mistakes in a configuration");
  command->add_option("config", config_path_, "YAML file")->required();
  command->footer(
      "Reads it as serve does, makes the protocols and looks at certificates and keys, but binds "
      "nothing.\n"
      "Exit status: 0 it is right, 78 it is wrong, 2 wrong usage.");
}

int CheckCommand::run() {
  const std::optional<config::Settings> settings = read_configuration(config_path_);
  if (!settings) {
    return kConfiguration;
  }
  try {
    const server::Server server(*settings, builtin_protocols());
    if (const auto doubts = server.doubts(); !doubts.empty()) {
      std::cerr << config::render(doubts);
      return kConfiguration;
    }
  } catch (const server::ConfigurationError& error) {
    std::cerr << config::render(error.diagnostics());
    return kConfiguration;
  }
  const std::size_t count = settings->listeners.size();
  std::cout << "ok: " << count << (count == 1 ? " listener\n" : " listeners\n");
  return kSuccess;
}

}  // namespace simul::cli
