#include "config_command.hpp"

#include <iostream>

#include <CLI/CLI.hpp>

#include <simul/config/reference.hpp>

#include "configuration.hpp"
#include "exit_status.hpp"

namespace simul::cli {

ConfigCommand::ConfigCommand(CLI::App& app) {
  CLI::App* command = app.add_subcommand("config", "Print a configuration or its reference");
  CLI::Option_group* what = command->add_option_group("what", "What to print");
  what->add_flag("--default", default_,
                 "The configuration that serve uses without a file, commented");
  what->add_flag("--reference", reference_, "All keys and options, as Markdown");
  what->require_option(1);
  command->footer("To start from:  simul config --default > simul.yaml");
}

int ConfigCommand::run() {
  if (default_) {
    std::cout << config::default_config();
  } else {
    std::cout << config::reference_markdown(known_protocols());
  }
  return kSuccess;
}

}  // namespace simul::cli
