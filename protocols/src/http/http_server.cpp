#include "http/http_server.hpp"

#include <algorithm>
#include <utility>

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
  const Duration idle_timeout = peer.idle_timeout();
  peer.set_idle_timeout(shorter(idle_timeout, subject_.settings.keep_alive_timeout));
  while (auto chunk = co_await peer.recv_message()) {
    if (!co_await converse(peer, subject_, idle_timeout, *std::move(chunk))) {
      break;
    }
    peer.set_idle_timeout(shorter(idle_timeout, subject_.settings.keep_alive_timeout));
  }
}

}  // namespace simul::http
