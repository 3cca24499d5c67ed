// Options: what `simul load` is told. The defaults are a short look at an echo server.
//
//   Options options{.target = *Target::parse("tcp://127.0.0.1:7000"), .connections = 10'000};
//   if (auto problem = problem_with(options)) { ... }
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <simul/clock.hpp>
#include <simul/endpoint.hpp>
#include <simul/load/target.hpp>
#include <simul/tls_client_context.hpp>

namespace simul::load {

struct Options {
  Target target;
  std::size_t connections = 100;
  /// Messages (or requests) in flight on each connection.
  std::size_t depth = 1;
  /// Bytes of an echoed message.
  std::uint64_t size = 64;
  /// How long is measured, after the ramp and the warm-up.
  Duration duration = std::chrono::seconds(10);
  /// If given, the end comes after this many messages on every connection, if not sooner by time.
  std::optional<std::uint64_t> messages;
  /// Connections are opened evenly over this time. Zero: as fast as the server takes them.
  Duration ramp{};
  /// Full load, but not counted yet.
  Duration warmup{};
  /// For a reply, and for a connection to be opened, TLS handshake included.
  Duration timeout = std::chrono::seconds(10);
  /// Event loops, one thread each.
  std::size_t threads = 1;
  /// Addresses of this machine to connect from, in turn; their ports are 0. Empty: the kernel's choice,
  /// and for a loopback target 127.0.0.2, 127.0.0.3 ... when its ports are used up.
  std::vector<Endpoint> sources{};
  /// For a target over TLS; the application protocol follows from the kind of target.
  TlsClientSettings tls{};
};

inline constexpr std::size_t kMaxConnections = 1'000'000;
inline constexpr std::size_t kMaxDepth = 65'536;
inline constexpr std::size_t kMaxThreads = 256;
inline constexpr std::uint64_t kMaxSize = std::uint64_t{1} << 30;

/// What makes these options unusable, as a sentence; nothing if they are fine.
[[nodiscard]] std::optional<std::string> problem_with(const Options& options);

}  // namespace simul::load
