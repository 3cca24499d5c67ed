#include "http/http_server.hpp"

#include <algorithm>
#include <utility>

#include "http/conversation.hpp"

namespace simul::http {
namespace {

/// The shorter one; zero is for ever.
Duration shorter(Duration a, Duration b) noexcept {
  if (a == Duration::zero() || b == Duration::zero()) {
    return std::max(a, b);
  }
  return std::min(a, b);
}

}  // namespace

Coro<> HttpServer::serve(Connection& peer) {
  const Terms terms{.settings = settings_,
                    .application = *application_,
                    .secure = peer.tls() != nullptr,
                    .idle_timeout = peer.idle_timeout()};
  const Duration between = shorter(terms.idle_timeout, settings_.keep_alive_timeout);
  peer.set_idle_timeout(between);
  while (auto chunk = co_await peer.recv_message()) {
    if (!co_await converse(peer, terms, *std::move(chunk))) {
      break;
    }
    peer.set_idle_timeout(between);
  }
}

}  // namespace simul::http
