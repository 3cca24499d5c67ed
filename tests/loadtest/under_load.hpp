// A server under load: both on one loop.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <simul/load/run.hpp>
#include <simul/loop.hpp>
#include <simul/socket.hpp>
#include <simul/task_group.hpp>
#include <simul/tls_stream.hpp>

namespace simul::load::test {

using Serve = std::function<Coro<>(Stream& peer)>;
using ServerContext = std::shared_ptr<const TlsServerContext>;

/// Over TLS unless `tls` is null.
inline Coro<> serve_one(const Serve& serve, std::unique_ptr<Stream> peer, ServerContext tls) {
  if (tls != nullptr) {
    auto accepted = co_await accept_tls(std::move(peer), tls);
    if (!accepted) {
      co_return;
    }
    peer = *std::move(accepted);
  }
  co_await serve(*peer);
}

inline Coro<> accept_all(SocketListener& listener, const Serve& serve,
                         ServerContext tls = nullptr) {
  auto body = [&](TaskGroup& group) -> Coro<> {
    while (auto accepted = co_await listener.accept()) {
      group.spawn(
          serve_one(serve, std::make_unique<SocketStream>(std::move(accepted->stream)), tls));
    }
  };
  co_await with_group(body);
}

/// Runs a load test against `serve`.
inline Report load_against(SocketListener& listener, const Serve& serve, const Options& options,
                           const ServerContext& tls = nullptr,
                           Environment& environment = Environment::real()) {
  Report report;
  auto body = [&](TaskGroup& group) -> Coro<> {
    group.spawn(accept_all(listener, serve, tls));
    report = co_await run_here(options);
    group.cancel();
  };
  Loop loop(environment);
  loop.run_until_complete(with_group(body));
  return report;
}

inline Options quick(std::string_view scheme, const SocketListener& listener) {
  return {
      .target = *Target::parse(std::string(scheme) + "://" + listener.local_endpoint().to_string() +
                               (scheme.starts_with("http") ? "/" : "")),
      .connections = 10,
      .duration = std::chrono::seconds(5),
      .messages = 20};
}

inline Coro<> echo(Stream& peer) {
  while (auto chunk = co_await peer.recv()) {
    if (!co_await peer.send(*chunk)) {
      co_return;
    }
  }
}

/// Answers messages of `size` bytes, and only whole ones.
inline Coro<> answer_whole(Stream& peer, std::size_t size) {
  std::vector<std::byte> message;
  while (auto chunk = co_await peer.recv()) {
    message.insert(message.end(), chunk->bytes().begin(), chunk->bytes().end());
    if (message.size() == size) {
      if (!co_await peer.send(message)) {
        co_return;
      }
      message.clear();
    }
  }
}

inline std::uint64_t errors_of(const Report& report, std::string_view kind) {
  for (const ErrorCount& error : report.errors) {
    if (error.kind == kind) {
      return error.count;
    }
  }
  return 0;
}

inline std::string example_of(const Report& report, std::string_view kind) {
  for (const ErrorCount& error : report.errors) {
    if (error.kind == kind) {
      return error.example;
    }
  }
  return {};
}

}  // namespace simul::load::test
