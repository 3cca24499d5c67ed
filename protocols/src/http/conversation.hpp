// The conversation with one HTTP client: reads requests, has them answered by the application, sends the
// answers in order, and sees to time-outs and to an end that the client can understand.
//
//   while (auto chunk = co_await peer.recv_message()) {
//     if (!co_await converse(peer, settings, application, *std::move(chunk))) break;
//   }
//
// It lasts from the first byte of a request to the moment when nothing is left to parse or to send:
// a connection that waits for its next request owns no parser and no buffer.
#pragma once

#include <simul/chunk.hpp>
#include <simul/connection.hpp>
#include <simul/coro.hpp>

#include "http/application.hpp"
#include "http/settings.hpp"

namespace simul::http {

/// What a conversation has to know of its connection.
struct Terms {
  const Settings& settings;
  Application& application;
  bool secure;            ///< over TLS
  Duration idle_timeout;  ///< while an answer is being made
};

/// True: the connection can take the next request. False: it is to be closed. Cancel safety: not
/// safe, the connection can only be closed then.
Coro<bool> converse(Connection& peer, const Terms& terms, Chunk input);

}  // namespace simul::http
