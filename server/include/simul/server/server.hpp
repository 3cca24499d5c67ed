// Server: the daemon: listeners, a loop per thread, a handler per connection, limits, an orderly end.
//
//   server::Server server(settings, builtin_protocols());   // makes the protocols, binds nothing
//   server.run();                                           // until SIGTERM or SIGINT
//
// It takes validated settings and gives exceptions: it reads no file, parses no command line and knows
// no protocol by name. What happens meanwhile it tells the log (<simul/log.hpp>).
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include <simul/config/diagnostic.hpp>
#include <simul/config/settings.hpp>
#include <simul/protocol.hpp>

namespace simul::server {

struct Service;

/// The configuration is valid by itself but doesn't work: a folder that isn't there, a key that belongs
/// to another certificate. It has all that was found; what() is the first.
class ConfigurationError : public std::runtime_error {
 public:
  explicit ConfigurationError(std::vector<config::Diagnostic> diagnostics)
      : std::runtime_error(config::summary(diagnostics.at(0))),
        diagnostics_(std::move(diagnostics)) {}

  [[nodiscard]] const std::vector<config::Diagnostic>& diagnostics() const noexcept {
    return diagnostics_;
  }

 private:
  std::vector<config::Diagnostic> diagnostics_;
};

class Server {
 public:
  /// Makes a protocol for every listener and reads the certificates. Throws ConfigurationError if a
  /// protocol refuses its options, or isn't among `protocols`, or if a file isn't usable.
  Server(config::Settings settings, std::span<const ProtocolType> protocols);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// What is wrong and doesn't keep it from serving: certificates whose time is over, or hasn't come.
  [[nodiscard]] std::vector<config::Diagnostic> doubts() const;

  /// Binds all listeners or none, serves on all loops, the first of which is this thread, and returns
  /// when a signal has ended it and the last connection is gone. SIGHUP makes it read the certificates
  /// again. Throws std::exception, with a text for the operator, if it can't start. Blocks SIGTERM,
  /// SIGINT and SIGHUP in this thread for good.
  void run();

 private:
  class Run;

  void bind(std::size_t loops);
  void report_certificates() const;
  void reload_certificates();
  void remove_socket_files();

  config::Settings settings_;
  std::deque<Service> services_;
};

}  // namespace simul::server
