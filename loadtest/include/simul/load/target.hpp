// Target: what a load test is aimed at, from the URL on the command line.
//
//   auto target = Target::parse("tcp://127.0.0.1:7000");      // an echo server
//   auto target = Target::parse("http://localhost:8080/");    // an HTTP/1.1 server
//   auto target = Target::parse("tls://example.org:7443");    // an echo server over TLS; https:// likewise
//   auto target = Target::parse("unix:/run/echo.sock");       // an echo server, too
//
// Host names are looked up here, once and blocking: before any loop runs.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include <simul/endpoint.hpp>

namespace simul::load {

/// What is said on a connection, in the clear or over TLS.
enum class WorkKind : std::uint8_t { echo, http };

[[nodiscard]] std::string_view name_of(WorkKind kind) noexcept;

struct Target {
  std::string url;  ///< as it was written
  WorkKind kind = WorkKind::echo;
  Endpoint endpoint;
  std::string host{};  ///< for HTTP: the Host header
  std::string path{};  ///< for HTTP: path and query
  std::string
      server_name{};  ///< for TLS: what the server's certificate has to be for; empty: no TLS

  [[nodiscard]] bool is_tls() const noexcept { return !server_name.empty(); }

  /// The error says what is wrong and what would be right.
  static std::expected<Target, std::string> parse(std::string_view url);
};

}  // namespace simul::load
