// The conversation with one HTTP client: reads requests, has them answered by the site, sends the
// answers in order, and sees to time-outs and to an end that the client can understand.
//
//   while (auto chunk = co_await peer.recv_message()) {
//     if (!co_await converse(peer, settings, dates, *std::move(chunk))) break;
//   }
//
// It lasts from the first byte of a request to the moment when nothing is left to parse or to send:
// a connection that waits for its next request owns no parser and no buffer.
#pragma once

#include <simul/chunk.hpp>
#include <simul/clock.hpp>
#include <simul/connection.hpp>
#include <simul/coro.hpp>

#include "http/date.hpp"
#include "http/request_parser.hpp"
#include "http/site.hpp"

namespace simul::http {

struct Settings {
  Site site;
  RequestLimits limits;
  Duration header_timeout;  // from the first byte of a request to the end of its header
  Duration body_timeout;    // from there to the end of its body
};

/// True: the connection can take the next request. False: it is to be closed. Cancel safety: not
/// safe, the connection can only be closed then.
Coro<bool> converse(Connection& peer, const Settings& settings, DateCache& dates, Chunk input);

}  // namespace simul::http
