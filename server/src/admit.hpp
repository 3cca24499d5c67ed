// What stands between an accepted socket and a protocol: the PROXY header, then TLS's handshake, within
// one deadline.
//
//   std::expected<Admitted, Refusal> admitted = co_await admit(std::move(accepted), service);
//
// It knows neither limits nor logs. A protocol sees no byte of a connection that isn't admitted.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include <simul/coro.hpp>
#include <simul/endpoint.hpp>
#include <simul/proxy_header.hpp>
#include <simul/socket.hpp>
#include <simul/stream.hpp>

namespace simul::server {

struct Service;

struct Admitted {
  std::unique_ptr<Stream> stream;
  Endpoint peer;  ///< the client, if a proxy has said who that is
  std::unique_ptr<const ProxyHeader> proxy_header;
};

struct Refusal {
  enum class Reason : std::uint8_t { proxy, tls, timeout, gone };

  Reason reason;  ///< gone: the peer has left by itself, as port scans and health checks do
  std::string text;
  Endpoint peer{};
};

/// The socket is closed unless it is admitted. Cancel safety: it is closed then, too.
Coro<std::expected<Admitted, Refusal>> admit(SocketListener::Accepted accepted,
                                             const Service& service);

}  // namespace simul::server
