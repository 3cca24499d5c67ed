// Acceptor: one listening socket of a loop: it accepts, waits for a place within the limits, sees to the
// handshake if the listener has one, and starts a session.
//
//   Acceptor acceptor(shard, service, socket);
//   group.spawn(acceptor.run());     // until it is cancelled
//   acceptor.close();
//
// When a limit is reached it stops accepting, with at most one connection in hand; all others stay in
// the kernel's queue. When descriptors or memory run out it waits, longer each time: it never spins.
#pragma once

#include <exception>
#include <system_error>

#include <simul/clock.hpp>
#include <simul/coro.hpp>
#include <simul/log_throttle.hpp>
#include <simul/socket.hpp>

#include "connection_limit.hpp"

namespace simul::server {

class Shard;
struct Service;

class Acceptor {
 public:
  /// All three must outlive it, and it its sessions.
  Acceptor(Shard& shard, Service& service, SocketListener& socket) noexcept
      : shard_(shard), service_(service), socket_(socket) {}
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  Coro<> run();
  void close() noexcept { socket_.close(); }

  [[nodiscard]] Shard& shard() const noexcept { return shard_; }
  [[nodiscard]] Service& service() const noexcept { return service_; }

 private:
  Coro<> serve(SocketListener::Accepted accepted);
  Coro<> shake_hands(SocketListener::Accepted accepted, ConnectionLimit::Permit own,
                     ConnectionLimit::Permit total, ConnectionLimit::Permit handshake);
  void report_unserved(const std::exception& error) noexcept;
  void report_refusal(std::error_code error, Duration pause) noexcept;

  Shard& shard_;
  Service& service_;
  SocketListener& socket_;
  LogThrottle refusals_;
};

}  // namespace simul::server
