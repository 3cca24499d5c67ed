#include "acceptor.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include <simul/cancelled.hpp>
#include <simul/log.hpp>
#include <simul/sleep.hpp>

#include "admit.hpp"
#include "connection_limit.hpp"
#include "service.hpp"
#include "session.hpp"
#include "shard.hpp"

namespace simul::server {
namespace {

constexpr Duration kShortestPause = std::chrono::milliseconds(100);
constexpr Duration kLongestPause = std::chrono::seconds(1);

}  // namespace

Coro<> Acceptor::run() {
  Duration pause = kShortestPause;
  for (;;) {
    auto accepted = co_await socket_.accept();
    if (accepted) {
      pause = kShortestPause;
      try {
        co_await serve(*std::move(accepted));
      } catch (const std::exception& error) {
        report_unserved(error);
      }
    } else {
      // The socket would report itself readable for ever: only time helps.
      report_refusal(accepted.error(), pause);
      co_await sleep(pause);
      pause = std::min(2 * pause, kLongestPause);
    }
  }
}

/// A permit that comes together with a cancellation wins, so this may get as far as a session after
/// Shard::end_sessions(): then there mustn't be a new one.
Coro<> Acceptor::serve(SocketListener::Accepted accepted) {
  ConnectionLimit::Permit own = co_await service_.limit.enter();
  ConnectionLimit::Permit total = co_await shard_.total_limit().enter();
  if (service_.has_handshake()) {
    ConnectionLimit::Permit handshake = co_await service_.handshake_limit.enter();
    shard_.handshakes().spawn(
        shake_hands(std::move(accepted), std::move(own), std::move(total), std::move(handshake)));
  } else if (!shard_.ending()) {
    Session::start(*this, std::move(accepted));
    own.release();
    total.release();
  }
}

Coro<> Acceptor::shake_hands(SocketListener::Accepted accepted, ConnectionLimit::Permit own,
                             ConnectionLimit::Permit total, ConnectionLimit::Permit handshake) {
  (void)handshake;  // held as long as this takes
  try {
    auto admitted = co_await admit(std::move(accepted), service_);
    if (!admitted) {
      shard_.refused(service_, admitted.error());
      co_return;
    }
    if (shard_.ending()) {
      shard_.stopped_handshake();
      co_return;
    }
    Session::start(*this, *std::move(admitted));
    own.release();
    total.release();
  } catch (const Cancelled&) {
    shard_.stopped_handshake();
    throw;
  } catch (const std::exception& error) {
    report_unserved(error);
  }
}

void Acceptor::report_unserved(const std::exception& error) noexcept {
  shard_.report_failure([&] {
    return fmt::format("listener '{}': a connection can't be served: {}", service_.settings.name,
                       error.what());
  });
}

void Acceptor::report_refusal(std::error_code error, Duration pause) noexcept {
  refusals_.log(shard_.loop().now(), LogLevel::warning, [&] {
    return fmt::format("listener '{}': can't accept: {}; trying again in {} ms",
                       service_.settings.name, ::strerrordesc_np(error.value()),
                       std::chrono::duration_cast<std::chrono::milliseconds>(pause).count());
  });
}

}  // namespace simul::server
