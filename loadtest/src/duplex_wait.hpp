// DuplexWait: waits until a stream may move bytes in either direction. Stream's own awaiters wait for one
// direction, which isn't enough for one coroutine that has to read replies to be able to write: with
// more in flight than the sockets can hold, both sides would wait for each other.
//
//   IoResult sent = stream.try_send(...), received = stream.try_recv(...);
//   if (both are blocked) error = co_await DuplexWait(stream, received.blocked, sent.blocked);
#pragma once

#include <coroutine>
#include <system_error>

#include <simul/leaf.hpp>
#include <simul/stream.hpp>

namespace simul::load {

/// Gives an error if the stream can't be waited for. Cancel safety: nothing to lose.
class [[nodiscard]] DuplexWait final : public Leaf {
 public:
  /// `send` may be Interest::none: nothing is to be sent.
  DuplexWait(Stream& stream, Interest recv, Interest send) noexcept
      : stream_(stream), recv_(recv), send_(send) {}

  bool await_ready() const {
    check_cancelled();
    return false;
  }
  bool await_suspend(std::coroutine_handle<>) noexcept {
    suspend();
    error_ = stream_.wait(StreamOp::recv, recv_, *this);
    if (!error_ && send_ != Interest::none) {
      error_ = stream_.wait(StreamOp::send, send_, *this);
    }
    return !error_;
  }
  std::error_code await_resume() {
    forget();
    throw_if_cancelled();
    return error_;
  }
  [[nodiscard]] const char* waits_for() const noexcept override {
    return send_ == Interest::none ? "recv" : "recv or send";
  }

 private:
  bool on_cancel() noexcept override {
    forget();
    return true;
  }
  void forget() noexcept {
    stream_.forget(StreamOp::recv);
    if (send_ != Interest::none) {
      stream_.forget(StreamOp::send);
    }
  }

  Stream& stream_;
  Interest recv_;
  Interest send_;
  std::error_code error_;
};

}  // namespace simul::load
