#include "serve_command.hpp"

#include <exception>
#include <optional>

#include <CLI/CLI.hpp>

#include <simul/log.hpp>
#include <simul/protocols/builtin.hpp>
#include <simul/server/log_output.hpp>
#include <simul/server/server.hpp>

#include "configuration.hpp"
#include "exit_status.hpp"

namespace simul::cli {

ServeCommand::ServeCommand(CLI::App& app) {
  CLI::App* command = app.add_subcommand("serve", "Run the server");
  command->add_option("config", config_path_,
                      "YAML file; without one, echo on 127.0.0.1:7000 and HTTP on 127.0.0.1:8080");
  command->add_flag("--foreground")
      ->description(
          "Run as one process in the foreground, which is what serve does without it, too: the "
          "flag "
          "states it for unit files and containers");
  command->footer(
      "SIGTERM and SIGINT end it: it stops accepting, lets connections end for shutdown_timeout, "
      "and "
      "ends what is left. A second signal cuts the wait short.\n"
      "Exit status: 0 ended by a signal, 1 can't start, 2 wrong usage, 78 wrong configuration.");
}

int ServeCommand::run() {
  const std::optional<config::Settings> settings = read_configuration(config_path_);
  if (!settings) {
    return kConfiguration;
  }
  server::write_log(settings->log);
  log(LogLevel::info,
      "simul " SIMUL_VERSION ", configuration: " + configuration_name(config_path_));
  try {
    server::Server(*settings, builtin_protocols()).run();
    return kSuccess;
  } catch (const server::ConfigurationError& error) {
    for (const config::Diagnostic& diagnostic : error.diagnostics()) {
      log(LogLevel::error, summary(diagnostic));
    }
    return kConfiguration;
  } catch (const std::exception& error) {
    log(LogLevel::error, error.what());
    return kFailure;
  }
}

}  // namespace simul::cli
