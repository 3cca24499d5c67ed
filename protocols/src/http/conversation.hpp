// The conversation with one HTTP client: reads requests, has them answered by the application, sends the
// answers in order, and sees to time-outs and to an end that the client can understand.
//
//   while (auto chunk = co_await peer.recv_message()) {
//     if (!co_await converse(peer, subject, idle_timeout, *std::move(chunk))) break;
//   }
//
// It lasts from the first byte of a request to the moment when nothing is left to parse or to send:
// a connection that waits for its next request owns no parser and no buffer.
#pragma once

#include <memory>

#include <simul/chunk.hpp>
#include <simul/clock.hpp>
#include <simul/connection.hpp>
#include <simul/coro.hpp>

#include "http/application.hpp"
#include "http/settings.hpp"

namespace simul::http {

/// What the conversations of a listener are about.
struct Subject {
  Settings settings;
  std::unique_ptr<Application> application;
};

/// `idle_timeout` holds while an answer is being made. True: the connection can take the next request.
/// False: it is to be closed. Cancel safety: not safe, the connection can only be closed then.
Coro<bool> converse(Connection& peer, const Subject& subject, Duration idle_timeout, Chunk input);

}  // namespace simul::http
