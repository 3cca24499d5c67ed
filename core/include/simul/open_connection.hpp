// open_connection: connects in the world of the current loop, which may be simulated.
//
//   auto peer = co_await open_connection(*Endpoint::parse("127.0.0.1:7000"));
//   if (!peer) { ... peer.error() ... }
//   co_await (*peer)->send("hello");
//
// It is connect() of <simul/socket.hpp> for programs that don't care what kind of stream they get.
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

/// Connects. Gives the stream or the error of the system. Thread: a loop's.
/// Cancel safety: safe, an attempt that was cut off is closed.
SIMUL_EXPORT Coro<std::expected<std::unique_ptr<Stream>, std::error_code>> open_connection(
    Endpoint endpoint, ConnectOptions options = {});

}  // namespace simul
