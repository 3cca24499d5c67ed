// An HTTP/1.1 server for a router: what turns connections into requests and responses.
//
//   run(serve(listen(*Endpoint::parse("*:8080")), http::handler(std::move(router))));
//
// (In `simul serve` the protocol `http` is the same with files, hosts and routes of the configuration.)
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <simul/clock.hpp>
#include <simul/connection.hpp>
#include <simul/export.hpp>
#include <simul/http/router.hpp>
#include <simul/protocol.hpp>

namespace simul::http {

struct ServerOptions {
  // --- limits on what a client may send -------------------------------------------------------------
  std::size_t max_target_size = std::size_t{8} << 10;  ///< 414
  std::size_t max_header_size = std::size_t{16}
                                << 10;  ///< of request line and header together: 431
  std::size_t max_header_count = 100;   ///< 431
  std::uint64_t max_body_size = std::uint64_t{1} << 20;  ///< 413

  // --- deadlines ------------------------------------------------------------------------------------
  Duration header_timeout = std::chrono::seconds(10);  ///< for all of it, from its first byte: 408
  /// Between two requests. (The server's idle timeout of connections holds as well.)
  Duration keep_alive_timeout = std::chrono::seconds(60);
  /// Bytes per second that a body has to come with, and an answer has to be taken with; zero: any.
  std::uint64_t min_rate = 240;
  /// How long it may be slower.
  Duration rate_grace = std::chrono::seconds(5);

  std::string server_name = "simul";  ///< of the field Server; empty: none is sent
};

/// For serve(). Thread: may be used on several loops at once.
[[nodiscard]] SIMUL_EXPORT simul::Handler handler(Router router, const ServerOptions& options = {});
/// For a server that hosts protocols.
[[nodiscard]] SIMUL_EXPORT std::unique_ptr<Protocol> make_protocol(
    Router router, const ServerOptions& options = {});

}  // namespace simul::http
