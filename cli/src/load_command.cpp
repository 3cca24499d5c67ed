#include "load_command.hpp"

#include <csignal>
#include <cstdio>
#include <expected>
#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include <simul/endpoint.hpp>
#include <simul/load/progress_line.hpp>
#include <simul/load/report.hpp>
#include <simul/load/run.hpp>
#include <simul/signals.hpp>
#include <simul/units.hpp>

#include "exit_status.hpp"

namespace simul::cli {
namespace {

template <typename T>
T value_or_throw(std::expected<T, std::string> result, const std::string& name) {
  if (!result) {
    throw CLI::ValidationError(name, result.error());
  }
  return *std::move(result);
}

void add_duration(CLI::App& app, const char* name, Duration& target, const std::string& help) {
  app.add_option_function<std::string>(
         name,
         [name, &target](const std::string& text) {
           target = value_or_throw(parse_duration(text), name);
         },
         help)
      ->type_name("DURATION")
      ->default_str(format_duration(target));
}

void add_tls_options(CLI::App& app, TlsClientSettings& tls) {
  const auto add_file = [&app](const char* name, std::string& path, const char* help) {
    app.add_option(name, path, help)->type_name("FILE")->group("Over TLS");
  };
  const auto add_no = [&app](const char* name, bool& setting, const char* help) {
    app.add_flag_callback(name, [&setting] { setting = false; }, help)->group("Over TLS");
  };
  add_file("--cacert", tls.ca,
           "Who may have signed the server's certificate (PEM); else the system's authorities");
  add_no("-k,--insecure", tls.verify, "Anybody may be the server");
  add_file("--cert", tls.certificate, "The client's certificate (PEM)");
  add_file("--key", tls.key, "Its key, if that isn't in the same file");
  add_no("--no-sessionid", tls.resume, "Full handshakes only: no session is taken up again");
}

Endpoint source_of(const std::string& address) {
  const bool ipv6 = address.find(':') != std::string::npos && !address.starts_with('[');
  return value_or_throw(Endpoint::parse(ipv6 ? '[' + address + "]:0" : address + ":0"), "--source");
}

void write_json(const std::string& path, const load::Report& report) {
  if (path == "-") {
    std::cout << to_json(report) << std::flush;
    return;
  }
  std::ofstream file(path);
  file << to_json(report) << std::flush;
  if (!file) {
    throw std::runtime_error("can't write " + path);
  }
}

}  // namespace

LoadCommand::LoadCommand(CLI::App& app) {
  CLI::App& command =
      *app.add_subcommand("load", "Measure a server under load, verifying every reply");
  command
      .add_option_function<std::string>(
          "target",
          [this](const std::string& url) {
            options_.target = value_or_throw(load::Target::parse(url), "target");
          },
          "tcp://host:port, tls://host:port or unix:/path (an echo server), http://host:port/path "
          "or "
          "https://host:port/path")
      ->required()
      ->type_name("URL");
  command.add_option("-c,--connections", options_.connections, "Connections, all open at once")
      ->capture_default_str();
  command
      .add_option_function<std::string>(
          "-s,--size",
          [this](const std::string& text) {
            options_.size = value_or_throw(parse_size(text), "--size");
          },
          "Size of an echoed message")
      ->type_name("SIZE")
      ->default_str(format_size(options_.size));
  command
      .add_option("--depth", options_.depth, "Messages or requests in flight on each connection")
      ->capture_default_str();
  add_duration(command, "-d,--duration", options_.duration, "How long is measured");
  command.add_option("--messages", options_.messages,
                     "End after this many messages on each connection, if not sooner by time");
  add_duration(command, "--ramp", options_.ramp,
               "Open the connections evenly over this time; 0s: as fast as the server takes them");
  add_duration(command, "--warmup", options_.warmup, "Full load before it is measured");
  add_duration(command, "--timeout", options_.timeout, "For a connection to open, and for a reply");
  command.add_option("-t,--threads", options_.threads, "Event loops, a thread each")
      ->capture_default_str();
  command
      .add_option_function<std::vector<std::string>>(
          "--source",
          [this](const std::vector<std::string>& addresses) {
            for (const std::string& address : addresses) {
              options_.sources.push_back(source_of(address));
            }
          },
          "Addresses of this machine to connect from, in turn")
      ->delimiter(',')
      ->type_name("ADDRESS,...");
  command.add_option("--json", json_path_, "Write the report as JSON; - for standard output")
      ->type_name("FILE");
  command.add_flag("-q,--quiet", quiet_, "Print nothing but errors");
  add_tls_options(command, options_.tls);
  command.footer(
      "Every byte of an echo is verified, and the report says how many connections were proven to "
      "be\n"
      "open at the same time. Ctrl-C ends the test and reports what was measured until then.\n"
      "Exit status: 0 all good, 1 errors happened or nothing was verified, 2 wrong usage.");
}

int LoadCommand::run() {
  if (const auto problem = problem_with(options_)) {
    std::cerr << "simul load: " << *problem << '\n';
    return kUsage;
  }
  SignalSet interrupt({SIGINT, SIGTERM});
  load::ProgressLine progress(options_, stderr);
  std::optional<load::Report> report;
  try {
    report = load::run(options_, quiet_ ? nullptr : &progress, &interrupt);
  } catch (const load::CannotStart& error) {
    std::cerr << "simul load: " << error.what() << '\n';
    return kUsage;
  }
  progress.clear();
  if (!json_path_.empty()) {
    write_json(json_path_, *report);
  }
  if (!quiet_ && json_path_ != "-") {
    std::cout << to_text(*report) << std::flush;
  } else if (!report->passed()) {
    std::cerr << to_text(*report);
  }
  return report->passed() ? kSuccess : kFailure;
}

}  // namespace simul::cli
