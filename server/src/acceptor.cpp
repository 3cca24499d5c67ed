#include "acceptor.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include <simul/log.hpp>
#include <simul/sleep.hpp>

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
  try {
    Session::start(*this, std::move(accepted));
    own.release();
    total.release();
  } catch (const std::exception& error) {
    shard_.report_failure(fmt::format("listener '{}': a connection can't be served: {}",
                                      service_.settings.name, error.what()));
  }
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
