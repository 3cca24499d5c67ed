#include "session.hpp"

#include <memory>
#include <utility>

#include <fmt/format.h>

#include <simul/exception_group.hpp>
#include <simul/quote.hpp>
#include <simul/task.hpp>

#include "acceptor.hpp"
#include "service.hpp"
#include "shard.hpp"

namespace simul::server {
namespace {

/// A Unix client may bind its socket to any path, so that one is foreign text.
std::string peer_name(const Endpoint& peer) {
  switch (peer.family()) {
    case Endpoint::Family::unspecified:
      return "a local client";
    case Endpoint::Family::local:
      return "local client " + quote(peer.path());
    default:
      return peer.to_string();
  }
}

}  // namespace

struct Session::Unstarted {
  void operator()(Session* session) const noexcept { delete session; }
};

Session::Session(Acceptor& acceptor, SocketListener::Accepted accepted)
    : TaskBase(acceptor.shard().loop()),
      acceptor_(acceptor),
      stream_(std::move(accepted.stream)),
      connection_(stream_, accepted.peer, acceptor.shard().next_id()) {}

void Session::start(Acceptor& acceptor, SocketListener::Accepted accepted) {
  std::unique_ptr<Session, Unstarted> session(new Session(acceptor, std::move(accepted)));
  const Service& service = acceptor.service();
  Coro<> handler = service.protocol->serve(session->connection_);
  handler.require_startable();
  session->connection_.supervise(*session, service.settings.idle_timeout);
  session->mark_observed();  // it reports its failure itself

  auto frame = handler.release();
  frame.promise().outcome = &session->outcome_;
  session->TaskBase::start(frame.promise(), detail::root_group_of(session->loop()));
  acceptor.shard().opened(*session);
  session.release()->drop_reference();  // the loop's own keeps it until the task has ended
}

Session::~Session() {
  if (link_ == nullptr) {
    return;
  }
  Shard& shard = acceptor_.shard();
  const CloseReason why = reason();
  if (why == CloseReason::failed) {
    shard.report_failure(describe() + " failed: " + simul::describe(exception()));
  }
  // Whoever was cut off in the middle of an answer must not take it for a complete one.
  const bool cut_off = why == CloseReason::failed || why == CloseReason::shutdown;
  stream_.close(cut_off ? Stream::CloseMode::abort : Stream::CloseMode::graceful);
  shard.closed(*this, why);
  // Last: a permit stands for the descriptor as well.
  acceptor_.service().limit.leave();
  shard.total_limit().leave();
}

std::string Session::describe() const {
  return fmt::format("connection {} of {} to '{}', {} bytes in, {} bytes out", connection_.id(),
                     peer_name(connection_.peer()), acceptor_.service().settings.name,
                     connection_.bytes_received(), connection_.bytes_sent()) +
         (ended() ? "" : ", waits for " + backtrace());
}

CloseReason Session::reason() const noexcept {
  if (state() == TaskState::failed) {
    return CloseReason::failed;
  }
  const CloseReason reason = connection_.close_reason();
  const bool loop_ended = state() == TaskState::cancelled && reason == CloseReason::handler;
  return loop_ended ? CloseReason::shutdown : reason;
}

}  // namespace simul::server
