// Two ends of a TLS connection.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <simul/gather.hpp>
#include <simul/testing/stream_conformance.hpp>
#include <simul/tls_stream.hpp>

#include "certificates.hpp"

namespace simul::test {

using ServerContext = std::shared_ptr<const TlsServerContext>;
using ClientContext = std::shared_ptr<const TlsClientContext>;

inline ServerContext plain_server() {
  static const ServerContext context =
      TlsServerContext::load({.certificates = {certificates().make("plain")}});
  return context;
}
inline ClientContext plain_client() {
  static const ClientContext context = TlsClientContext::load({.ca = certificates().ca()});
  return context;
}

template <typename T>
using Tried = std::expected<T, std::error_code>;
using TlsEnd = Tried<std::unique_ptr<TlsStream>>;

struct TlsEnds {
  TlsEnd server;
  TlsEnd client;
};

/// Both sides of a handshake over what `below` makes.
inline Coro<TlsEnds> shake_hands(StreamPair below, ServerContext server, ClientContext client,
                                 std::string host = "example.org") {
  auto [served, connected] =
      co_await gather(accept_tls(std::move(below.near), std::move(server)),
                      connect_tls(std::move(below.far), std::move(client), host));
  co_return TlsEnds{std::move(served), std::move(connected)};
}

inline Coro<StreamPair> tls_pair(std::function<Coro<StreamPair>()> below) {
  TlsEnds ends = co_await shake_hands(co_await below(), plain_server(), plain_client());
  co_return StreamPair{std::move(ends.server.value()), std::move(ends.client.value())};
}

}  // namespace simul::test
