// Session: one connection being served. It is the task of the connection's handler, and owns the
// stream; it ends with the handler, whatever ended that.
//
//   Session::start(acceptor, std::move(accepted));     // a plain socket
//   Session::start(acceptor, std::move(admitted));     // what a handshake has made of one
//
// An idle connection is little more than this object and the handler's frame, so a member here is paid
// ten thousand times. That is why it is the task itself, rather than a coroutine that awaits one: no
// second frame, no second block of memory; and no text and no container.
#pragma once

#include <exception>
#include <memory>
#include <string>

#include <simul/connection.hpp>
#include <simul/detail/outcome.hpp>
#include <simul/detail/task_base.hpp>
#include <simul/socket.hpp>

#include "admit.hpp"

namespace simul::server {

class Acceptor;

class Session : public detail::TaskBase {
 public:
  /// Queues the handler on the acceptor's loop. Takes over a permit of the service's limit and one of
  /// the server's, unless it throws. Throws what Protocol::serve throws before its first step.
  static void start(Acceptor& acceptor, SocketListener::Accepted accepted);
  static void start(Acceptor& acceptor, Admitted admitted);

  [[nodiscard]] virtual Connection& connection() noexcept = 0;
  [[nodiscard]] virtual const Connection& connection() const noexcept = 0;
  [[nodiscard]] Session* next() const noexcept { return next_; }
  /// Who it is, for people.
  [[nodiscard]] std::string note() const override;
  /// And what it waits for.
  [[nodiscard]] std::string describe() const;

  [[nodiscard]] const std::exception_ptr& exception() const noexcept override {
    return outcome_.exception();
  }

 protected:
  explicit Session(Acceptor& acceptor);
  ~Session() override;
  /// The task has ended, its connection is still there.
  void finish() noexcept;

 private:
  friend class SessionList;
  template <typename Held>
  class Of;
  struct Unstarted;

  static void start(std::unique_ptr<Session, Unstarted> session);
  void store_exception(std::exception_ptr error) noexcept override {
    outcome_.set_exception(std::move(error));
  }
  /// Why it has ended, the handler's failures and the loop's end included.
  [[nodiscard]] CloseReason reason() const noexcept;

  detail::Outcome<void> outcome_;
  Acceptor& acceptor_;
  Session* next_ = nullptr;
  Session** link_ = nullptr;  // null: it never started
};

/// The sessions of a loop, newest first.
class SessionList {
 public:
  void add(Session& session) noexcept {
    session.next_ = first_;
    session.link_ = &first_;
    if (first_ != nullptr) {
      first_->link_ = &session.next_;
    }
    first_ = &session;
  }
  void remove(Session& session) noexcept {
    *session.link_ = session.next_;
    if (session.next_ != nullptr) {
      session.next_->link_ = session.link_;
    }
  }
  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  [[nodiscard]] Session* first() const noexcept { return first_; }

 private:
  Session* first_ = nullptr;
};

}  // namespace simul::server
