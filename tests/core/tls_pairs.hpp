// Two ends of a TLS connection.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include <simul/gather.hpp>
#include <simul/testing.hpp>
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

inline ServerContext server_with(const TlsServerSettings& settings) {
  return TlsServerContext::load(settings);
}
/// That trusts the tests' authority unless it says otherwise.
inline ClientContext client_with(TlsClientSettings settings) {
  if (settings.ca.empty()) {
    settings.ca = certificates().ca();
  }
  return TlsClientContext::load(settings);
}

inline StreamPair memory_pair(const MemoryStreamOptions& options = {}) {
  auto [near, far] = memory_stream_pair(options);
  return {std::make_unique<MemoryStream>(std::move(near)),
          std::make_unique<MemoryStream>(std::move(far))};
}
inline StreamPair crossing(StreamPair below) {
  return {std::make_unique<CrossingStream>(std::move(below.near)),
          std::make_unique<CrossingStream>(std::move(below.far))};
}

/// Both sides of a handshake over what `below` makes.
inline Coro<TlsEnds> shake_hands(StreamPair below, ServerContext server, ClientContext client,
                                 std::string host = "example.org") {
  auto [served, connected] =
      co_await gather(accept_tls(std::move(below.near), std::move(server)),
                      connect_tls(std::move(below.far), std::move(client), host));
  co_return TlsEnds{std::move(served), std::move(connected)};
}

/// One message and its echo. (The client reads the session tickets on the way.)
inline Coro<> exchange(TlsStream& server, TlsStream& client) {
  CHECK((co_await client.send("ping")).has_value());
  const auto ping = co_await server.recv();
  REQUIRE(ping.has_value());
  CHECK(ping->text() == "ping");
  CHECK((co_await server.send("pong")).has_value());
  const auto pong = co_await client.recv();
  REQUIRE(pong.has_value());
  CHECK(pong->text() == "pong");
}

inline Coro<StreamPair> tls_pair(std::function<Coro<StreamPair>()> below) {
  TlsEnds ends = co_await shake_hands(co_await below(), plain_server(), plain_client());
  co_return StreamPair{std::move(ends.server.value()), std::move(ends.client.value())};
}

}  // namespace simul::test
