#include <simul/connection.hpp>

#include <array>
#include <string_view>
#include <unordered_map>

#include <simul/detail/task_base.hpp>
#include <simul/tls_stream.hpp>

namespace simul {
namespace {

std::string_view reason_text(CloseReason reason) noexcept {
  static constexpr std::array<std::string_view, 4> kTexts = {"handler", "failed", "idle timeout",
                                                             "shutdown"};
  return kTexts[static_cast<std::size_t>(reason)];
}

// Who waits for a drain: a few, and so a connection has no place for them.
thread_local std::unordered_map<const Connection*, detail::WaitList> t_drain_waiters;

}  // namespace

Connection::~Connection() = default;

const TlsStream* Connection::tls() const noexcept {
  return dynamic_cast<const TlsStream*>(&stream_);
}

void Connection::supervise(detail::TaskBase& handler, Duration idle_timeout) {
  handler_ = &handler;
  stream_.note_activity(handler.loop().now());
  set_idle_timeout(idle_timeout);
}

TimePoint Connection::idle_deadline() const noexcept {
  return idle_timeout_ > Duration::zero() ? time_after(stream_.last_active(), idle_timeout_)
                                          : kNever;
}

// A deadline that has moved away is left to the timer, which finds out.
void Connection::set_idle_timeout(Duration timeout) {
  idle_timeout_ = timeout;
  if (handler_ == nullptr) {
    return;
  }
  const TimePoint wanted = idle_deadline();
  if (!armed() || wanted < deadline()) {
    arm(handler_->loop(), wanted);
  }
}

void Connection::drain() noexcept {
  draining_ = true;
  if (between_messages_ != nullptr) {
    between_messages_->give_up(Errc::draining);
  }
  if (drain_awaited_) {
    detail::WaitList& waiters = t_drain_waiters.at(this);
    while (!waiters.empty()) {
      waiters.serve_first();
    }
    t_drain_waiters.erase(this);
    drain_awaited_ = false;
  }
}

void Connection::Draining::await_suspend(std::coroutine_handle<>) {
  detail::WaitList& waiters = t_drain_waiters[&connection_];
  connection_.drain_awaited_ = true;
  suspend();
  waiters.push(*this);
}

bool Connection::Draining::on_cancel() noexcept {
  const auto found = t_drain_waiters.find(&connection_);
  found->second.remove(*this);
  if (found->second.empty()) {
    t_drain_waiters.erase(found);
    connection_.drain_awaited_ = false;
  }
  return true;
}

void Connection::end(CloseReason reason) {
  if (handler_ == nullptr || close_reason_ != CloseReason::handler) {
    return;
  }
  close_reason_ = reason;
  handler_->cancel(reason_text(reason));
}

// Traffic only notes its time; the timer finds out whether the peer was silent for long enough.
void Connection::on_timer() noexcept {
  Loop& loop = handler_->loop();
  const TimePoint wanted = idle_deadline();
  if (wanted > loop.now()) {
    arm(loop, wanted);
  } else {
    end(CloseReason::idle_timeout);
  }
}

}  // namespace simul
