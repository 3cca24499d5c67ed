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

#include <simul/config/settings.hpp>
#include <simul/protocol.hpp>

namespace simul::server {

struct Service;

/// The configuration is valid by itself but doesn't work: a folder that isn't there, for example.
class ConfigurationError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Server {
 public:
  /// Makes a protocol for every listener. Throws ConfigurationError if one refuses its options, or
  /// isn't among `protocols`.
  Server(config::Settings settings, std::span<const ProtocolType> protocols);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Binds all listeners or none, serves on all loops, the first of which is this thread, and returns
  /// when a signal has ended it and the last connection is gone. Throws std::exception, with a text
  /// for the operator, if it can't start. Blocks SIGTERM and SIGINT in this thread for good.
  void run();

 private:
  class Run;

  void bind(std::size_t loops);
  void remove_socket_files();

  config::Settings settings_;
  std::deque<Service> services_;
};

}  // namespace simul::server
