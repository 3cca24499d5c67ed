#include "shard.hpp"

#include <chrono>
#include <exception>
#include <stdexcept>

#include <fmt/format.h>

#include <simul/cancel_scope.hpp>
#include <simul/exception_group.hpp>
#include <simul/log.hpp>

#include "peer_name.hpp"

namespace simul::server {
namespace {

constexpr int kReportedSessions = 5;
constexpr Duration kHandshakesAtStop = std::chrono::seconds(1);

}  // namespace

Coro<> Shard::start() {
  for (Service& service : services_) {
    std::exception_ptr failure;
    try {
      co_await service.protocol->start(loop_);
    } catch (const std::exception&) {
      failure = std::current_exception();
    }
    if (failure) {
      throw std::runtime_error(fmt::format("listener '{}': {} can't start: {}",
                                           service.settings.name, service.settings.protocol,
                                           describe(failure)));
    }
  }
}

void Shard::accept() {
  for (Service& service : services_) {
    for (std::size_t i = index_; i < service.sockets.size(); i += count_) {
      acceptors_.emplace_back(*this, service, service.sockets[i]);
    }
  }
  handshaking_ = spawn(keep_handshakes());
  accepting_ = spawn(accept_on_all());
}

Coro<> Shard::keep_handshakes() {
  auto body = [this](TaskGroup& group) -> Coro<> {
    handshakes_ = &group;
    co_await last_handshake_.passed();
  };
  // One that fails, for want of memory, is no reason to cut off the others.
  co_await detail::run_group(detail::GroupPolicy::report, body);
  handshakes_ = nullptr;
}

Coro<> Shard::accept_on_all() {
  auto body = [this](TaskGroup& group) -> Coro<> {
    accepting_scope_ = &group.scope();
    for (Acceptor& acceptor : acceptors_) {
      group.spawn(acceptor.run())
          .set_name("acceptor of '" + acceptor.service().settings.name + '\'');
    }
    co_return;
  };
  co_await with_group(body);
  accepting_scope_ = nullptr;
}

Coro<> Shard::stop_accepting() {
  if (accepting_scope_ != nullptr) {
    accepting_scope_->cancel("the server stops");
  }
  co_await accepting_;
  for (Acceptor& acceptor : acceptors_) {
    acceptor.close();
  }
}

Coro<> Shard::drain() {
  draining_ = true;
  last_handshake_.open();
  for (Session* session = sessions_.first(); session != nullptr; session = session->next()) {
    session->connection().drain();
  }
  co_await end_handshakes();
  co_await empty_.passed();
}

/// One that goes on takes less than this; a client that stops in the middle must not hold up the server.
Coro<> Shard::end_handshakes() {
  auto last = [this]() -> Coro<> { co_await handshaking_; };
  if (!co_await move_on_after(ending_ ? Duration::zero() : kHandshakesAtStop, last) &&
      handshakes_ != nullptr) {
    handshakes_->cancel("the server stops");
  }
  co_await handshaking_;
}

void Shard::end_sessions() {
  ending_ = true;
  if (handshakes_ != nullptr && handshakes_->size() > 0) {
    log(LogLevel::warning, fmt::format("still alive: {} handshakes", handshakes_->size()));
  }
  // Before drain() an acceptor may still add one; that sees to it then.
  if (handshakes_ != nullptr && draining_) {
    handshakes_->cancel("the server stops");
  }
  int left_out = -kReportedSessions;
  for (Session* session = sessions_.first(); session != nullptr; session = session->next()) {
    if (++left_out <= 0) {
      log(LogLevel::warning, "still alive: " + session->describe());
    }
  }
  if (left_out > 0) {
    log(LogLevel::warning, fmt::format("still alive: {} more of this loop", left_out));
  }
  for (Session* session = sessions_.first(); session != nullptr; session = session->next()) {
    session->connection().end(CloseReason::shutdown);
  }
}

Coro<> Shard::stop() {
  for (Service& service : services_) {
    co_await service.protocol->stop();
  }
}

Statistics Shard::statistics() const {
  Statistics all = statistics_;
  for (const Session* session = sessions_.first(); session != nullptr; session = session->next()) {
    all.count_bytes(session->connection());
  }
  return all;
}

void Shard::opened(Session& session) noexcept {
  sessions_.add(session);
  empty_.close();
  ++statistics_.accepted;
  ++statistics_.current;
  if (draining_) {
    session.connection().drain();
  }
}

void Shard::refused(const Service& service, const Refusal& refusal) noexcept {
  statistics_.count_refusal(refusal.reason);
  if (refusal.reason != Refusal::Reason::gone) {
    refusals_.log(loop_.now(), LogLevel::info, [&] {
      return fmt::format("listener '{}': {}: {}", service.settings.name, peer_name(refusal.peer),
                         refusal.text);
    });
  }
}

void Shard::closed(Session& session, CloseReason reason) noexcept {
  sessions_.remove(session);
  --statistics_.current;
  statistics_.count_bytes(session.connection());
  statistics_.count_close(reason);
  if (sessions_.empty()) {
    empty_.open();
  }
}

}  // namespace simul::server
