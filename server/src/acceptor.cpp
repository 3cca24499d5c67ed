#include "acceptor.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>
#include <utility>

#include <fmt/format.h>

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
      co_await serve(*std::move(accepted));
    } else {
      // The socket would report itself readable for ever: only time helps.
      report_refusal(accepted.error(), pause);
      co_await sleep(pause);
      pause = std::min(2 * pause, kLongestPause);
    }
  }
}

Coro<> Acceptor::serve(SocketListener::Accepted accepted) {
  ConnectionLimit::Permit own = co_await service_.limit.enter();
  ConnectionLimit::Permit total = co_await shard_.total_limit().enter();
  if (!service_.has_handshake()) {
    try {
      Session::start(*this, std::move(accepted));
      own.release();
      total.release();
    } catch (const std::exception& error) {
      report_unserved(error);
    }
    co_return;
  }
  ConnectionLimit::Permit handshake = co_await service_.handshake_limit.enter();
  try {
    shard_.handshakes().spawn(
        shake_hands(std::move(accepted), std::move(own), std::move(total), std::move(handshake)));
  } catch (const std::exception& error) {
    report_unserved(error);
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
    if (shard_.handshakes().scope().cancelled()) {
      co_return;  // all sessions have been told to end: there mustn't be a new one
    }
    Session::start(*this, *std::move(admitted));
    own.release();
    total.release();
  } catch (const std::exception& error) {
    report_unserved(error);
  }
}

void Acceptor::report_unserved(const std::exception& error) {
  shard_.report_failure(fmt::format("listener '{}': a connection can't be served: {}",
                                    service_.settings.name, error.what()));
}

void Acceptor::report_refusal(std::error_code error, Duration pause) {
  if (refusals_.admit(shard_.loop().now())) {
    log(LogLevel::warning,
        fmt::format("listener '{}': can't accept: {}; trying again in {} ms{}",
                    service_.settings.name, ::strerrordesc_np(error.value()),
                    std::chrono::duration_cast<std::chrono::milliseconds>(pause).count(),
                    refusals_.take_suppressed()));
  }
}

}  // namespace simul::server
