// A client at the other end of a protocol: the server's side runs as a task on a loop whose time
// passes only when nothing else is left to do, and the sends it makes are counted.
//
//   Served served("http", options);
//   served.run([&](MemoryStream& client) -> Coro<> { ... });
//   CHECK(served.sends() == 1);
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <simul/connection.hpp>
#include <simul/loop.hpp>
#include <simul/protocol.hpp>
#include <simul/protocols/builtin.hpp>
#include <simul/task.hpp>
#include <simul/testing.hpp>
#include <simul/wait.hpp>

namespace simul::testing {

inline const ProtocolType& protocol_type(std::string_view name) {
  for (const ProtocolType& type : builtin_protocols()) {
    if (type.spec.name == name) {
      return type;
    }
  }
  throw std::invalid_argument("no such protocol");
}

class Served {
 public:
  using Configure = std::function<void(OptionValues&)>;

  explicit Served(std::string_view protocol, const Configure& configure = {}) : loop_(clock_) {
    const ProtocolType& type = protocol_type(protocol);
    OptionValues options = OptionValues::defaults(type.spec.options);
    if (configure) {
      configure(options);
    }
    protocol_ = type.make(options);
  }

  explicit Served(std::unique_ptr<Protocol> protocol)
      : loop_(clock_), protocol_(std::move(protocol)) {}

  /// Runs `client` against the protocol until both have ended. The server's side is closed when its
  /// handler has ended, the client's when the client has.
  void run(std::function<Coro<>(MemoryStream& client)> client) {
    auto [server_end, client_end] = memory_stream_pair();
    stream_.emplace(std::move(server_end));
    connection_.emplace(*stream_, Endpoint(), 1);
    const auto main = [&, this]() -> Coro<> {
      const auto serves = [this]() -> Coro<> {
        connection_->supervise(co_await detail::this_task, std::chrono::hours(24 * 365));
        co_await protocol_->serve(*connection_);
      };
      Task<> handler = spawn(serves);
      const auto closes_after = [&, this]() -> Coro<> {
        co_await wait({handler});  // it may be cancelled, by its idle timeout
        connection_->close();
      };
      Task<> server = spawn(closes_after);
      co_await client(client_end);
      client_end.close();
      co_await server;
      co_await protocol_->stop();
    };
    loop_.run_until_complete(main());
  }

  /// As run(), for a client that sends `input`, may finish sending, and reads up to the end.
  std::string talk(std::string_view input, bool half_close = true) {
    std::string output;
    run([&](MemoryStream& client) -> Coro<> {
      (void)co_await client.send(input);
      if (half_close) {
        (void)client.shutdown();
      }
      co_await read_to_end(client, output);
    });
    return output;
  }

  static Coro<> read_to_end(MemoryStream& client, std::string& output) {
    while (auto chunk = co_await client.recv()) {
      output += chunk->text();
    }
  }
  /// Reads until there are `size` bytes, or no more come.
  static Coro<> read_size(MemoryStream& client, std::string& output, std::size_t size) {
    while (output.size() < size) {
      auto chunk = co_await client.recv();
      if (!chunk) {
        break;
      }
      output += chunk->text();
    }
  }

  /// How often the server has tried to send, in the last run.
  [[nodiscard]] std::size_t sends() const { return stream_->counts().send; }
  [[nodiscard]] Connection& connection() { return *connection_; }
  [[nodiscard]] Loop& loop() { return loop_; }
  [[nodiscard]] TimePoint now() { return clock_.now(); }

 private:
  VirtualClock clock_;
  Loop loop_;
  std::unique_ptr<Protocol> protocol_;
  std::optional<MemoryStream> stream_;
  std::optional<Connection> connection_;  // of the last run, like its stream
};

}  // namespace simul::testing
