// `simul`: one binary, a subcommand for each task.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include <simul/config/suggest.hpp>

#include "check_command.hpp"
#include "config_command.hpp"
#include "exit_status.hpp"
#include "inspect/ps_command.hpp"
#include "inspect/pstree_command.hpp"
#include "inspect/top_command.hpp"
#include "lesson_command.hpp"
#include "load_command.hpp"
#include "serve_command.hpp"

namespace {

using namespace simul::cli;

std::vector<std::string> commands_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) {
    names.push_back(command->get_name());
  }
  return names;
}

/// CLI11 would only say that a command is missing.
int complain(const std::string& word, const std::vector<std::string>& commands) {
  const std::vector<std::string_view> known(commands.begin(), commands.end());
  std::cerr << "simul: there is no command \"" << word << '"';
  if (const std::string close = simul::config::suggest(word, known); !close.empty()) {
    std::cerr << "; did you mean \"" << close << "\"?";
  }
  std::cerr << "\n`simul --help` lists them\n";
  return kUsage;
}

int run(int argc, char** argv) {
  CLI::App app{"simul: an async TCP server, a coroutine per connection, and a load tester",
               "simul"};
  app.set_version_flag("--version", "simul " SIMUL_VERSION);
  app.require_subcommand(1);
  app.footer(
      "simul COMMAND --help explains a command. Try:  simul serve   and then   nc 127.0.0.1 7000");
  ServeCommand serve(app);
  CheckCommand check(app);
  ConfigCommand config(app);
  LoadCommand load(app);
  PsCommand ps(app);
  PstreeCommand pstree(app);
  TopCommand top(app);
  LessonCommand lesson(app);
  const std::vector<std::string> commands = commands_of(app);
  if (argc > 1 && *argv[1] != '-' && std::ranges::find(commands, argv[1]) == commands.end()) {
    return complain(argv[1], commands);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kSuccess : kUsage;
  }
  if (app.got_subcommand("serve")) {
    return serve.run();
  }
  if (app.got_subcommand("check")) {
    return check.run();
  }
  if (app.got_subcommand("config")) {
    return config.run();
  }
  if (app.got_subcommand("ps")) {
    return ps.run();
  }
  if (app.got_subcommand("pstree")) {
    return pstree.run();
  }
  if (app.got_subcommand("top")) {
    return top.run();
  }
  if (app.got_subcommand("load")) {
    return load.run();
  }
  return lesson.run();
}

/// A parent may have closed them; then a socket would get their numbers, and the log's bytes.
void take_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) {
      ::open("/dev/null", O_RDWR);  // gives the lowest number that is free: this one
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  take_standard_descriptors();
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "simul: " << error.what() << '\n';
    return kFailure;
  }
}
