// Shard: what one loop serves: an acceptor for each of its listening sockets, and the sessions.
//
//   co_await shard.start();     // the protocols, before the first connection
//   shard.accept();
//   co_await shard.stop_accepting();
//   co_await shard.drain();     // returns when the last session has ended
//   co_await shard.stop();      // the protocols
//
// It lives on one loop and knows nothing of signals, of deadlines of the whole server, or of the other
// shards, with which it shares only the limits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include <simul/coro.hpp>
#include <simul/log.hpp>
#include <simul/log_throttle.hpp>
#include <simul/loop.hpp>
#include <simul/task.hpp>
#include <simul/task_group.hpp>

#include "acceptor.hpp"
#include "admit.hpp"
#include "connection_limit.hpp"
#include "gate.hpp"
#include "service.hpp"
#include "session.hpp"
#include "statistics.hpp"

namespace simul::server {

class Shard {
 public:
  /// The `index`th of `count`; the rest must outlive it.
  Shard(Loop& loop, std::size_t index, std::size_t count, std::deque<Service>& services,
        ConnectionLimit& total_limit) noexcept
      : loop_(loop), index_(index), count_(count), services_(services), total_limit_(total_limit) {}
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // Thread, of all that follows: the loop's.

  /// Throws what a protocol throws, with the listener's name.
  Coro<> start();
  void accept();
  /// Also lets go of who waits for a place.
  Coro<> stop_accepting();
  /// Lets handshakes come to their end, for a second, tells all sessions that the server wants to end, and waits until
  /// they have.
  Coro<> drain();
  /// Reports the sessions that are left and cancels their handlers, and handshakes.
  void end_sessions();
  Coro<> stop();
  /// Makes retired() return: nobody needs this loop any more.
  void retire() noexcept { retired_.open(); }
  Coro<> retired() { co_await retired_.passed(); }

  /// So far, and of those that are served now.
  [[nodiscard]] Statistics statistics() const;

  // --- for its acceptors and sessions --------------------------------------------------------------
  [[nodiscard]] Loop& loop() const noexcept { return loop_; }
  [[nodiscard]] ConnectionLimit& total_limit() const noexcept { return total_limit_; }
  /// For a connection; unique within the server.
  [[nodiscard]] std::uint64_t next_id() noexcept { return ids_++ * count_ + index_ + 1; }
  /// For connections in their handshake.
  [[nodiscard]] TaskGroup& handshakes() noexcept { return *handshakes_; }
  void refused(const Service& service, const Refusal& refusal) noexcept;
  /// A handshake was cut off.
  void stopped_handshake() noexcept { statistics_.count_refusal(Refusal::Reason::stopped); }
  void opened(Session& session) noexcept;
  void closed(Session& session, CloseReason reason) noexcept;
  /// Writes some of them down.
  template <typename MakeText>
  void report_failure(MakeText&& make_text) noexcept {
    failures_.log(loop_.now(), LogLevel::warning, std::forward<MakeText>(make_text));
  }
  /// No further session is to begin.
  [[nodiscard]] bool ending() const noexcept { return ending_; }

 private:
  Coro<> accept_on_all();
  Coro<> keep_handshakes();
  Coro<> end_handshakes();

  Loop& loop_;
  const std::size_t index_;
  const std::size_t count_;
  std::deque<Service>& services_;
  ConnectionLimit& total_limit_;
  std::deque<Acceptor> acceptors_;
  SessionList sessions_;
  std::uint64_t ids_ = 0;
  Statistics statistics_;  // the bytes are those of closed connections
  Task<> accepting_;
  CancelScope* accepting_scope_ = nullptr;
  Task<> handshaking_;
  TaskGroup* handshakes_ = nullptr;
  Gate last_handshake_{Gate::State::closed};  // open: no further ones will come
  bool draining_ = false;                     // and no acceptor is left
  bool ending_ = false;
  Gate empty_{Gate::State::open};
  Gate retired_{Gate::State::closed};
  LogThrottle failures_;
  LogThrottle refusals_;
};

}  // namespace simul::server
