// Listener: accepts connections, of whatever kind the world of the loop has: sockets of the kernel, or
// those of a simulated network (<simul/testing/simulation.hpp>). So the same server runs in both.
//
//   std::unique_ptr<Listener> listener = open_listener(*Endpoint::parse("127.0.0.1:7000"));
//   while (auto peer = co_await listener->accept()) { spawn(serve, std::move(peer->stream)); }
//
// It costs an allocation per connection. Who needs the kernel's sockets as such takes SocketListener.
#pragma once

#include <expected>
#include <memory>
#include <system_error>

#include <simul/coro.hpp>
#include <simul/endpoint.hpp>
#include <simul/export.hpp>
#include <simul/socket.hpp>
#include <simul/stream.hpp>

namespace simul {

class SIMUL_EXPORT Listener {
 public:
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  virtual ~Listener();

  struct Accepted {
    std::unique_ptr<Stream> stream;
    Endpoint peer;
  };
  /// Waits for a connection. Errors as of SocketListener::accept(): Errc::closed after close(), and
  /// std::errc::device_or_resource_busy for a second waiter. Thread: the loop's.
  /// Cancel safety: safe, no connection is lost.
  virtual Coro<std::expected<Accepted, std::error_code>> accept() = 0;

  /// Stops listening; who waits gets Errc::closed. Closing twice is harmless.
  virtual void close() noexcept = 0;

  /// Where it listens, with the port that was chosen for port 0.
  [[nodiscard]] virtual Endpoint local_endpoint() const = 0;

 protected:
  Listener() noexcept = default;
};

/// Listens in the world of the current loop. Throws std::system_error that names the address, and
/// std::logic_error outside of a loop.
[[nodiscard]] SIMUL_EXPORT std::unique_ptr<Listener> open_listener(
    const Endpoint& endpoint, const ListenOptions& options = {});

}  // namespace simul
