// The code of StreamLeaf, for the files that define its awaiters.
#pragma once

#include <cerrno>
#include <stdexcept>
#include <string>
#include <utility>

#include <simul/stream.hpp>

#include "loop_access.hpp"

namespace simul {

template <typename Self, StreamOp kOperation>
bool StreamLeaf<Self, kOperation>::await_ready() {
  check_cancelled();
  if ((stream_.waiting_ & kBit) != 0) [[unlikely]] {
    throw std::logic_error(std::string("another task is in ") + waits_for() + " on this stream");
  }
  if constexpr (kOperation == StreamOp::recv) {
    if (stream_.recv_drained_) {
      stream_.recv_drained_ = false;
      blocked_ = Interest::readable;  // the last attempt has shown that this one would block
      return false;
    }
  }
  return try_within_budget();
}

template <typename Self, StreamOp kOperation>
bool StreamLeaf<Self, kOperation>::await_suspend(std::coroutine_handle<>) noexcept {
  stream_.waiting_ |= kBit;
  if (!keep_waiting()) {
    return false;
  }
  suspend();
  return true;
}

template <typename Self, StreamOp kOperation>
bool StreamLeaf<Self, kOperation>::try_within_budget() noexcept {
  if (!may_go_on()) [[unlikely]] {
    blocked_ = Interest::none;
    return false;
  }
  return self().attempt();
}

template <typename Self, StreamOp kOperation>
bool StreamLeaf<Self, kOperation>::may_go_on() noexcept {
  return detail::LoopAccess::budget(loop()).take_attempt();
}

/// False: it can't be waited for, and error_ says why.
template <typename Self, StreamOp kOperation>
bool StreamLeaf<Self, kOperation>::keep_waiting() noexcept {
  if (blocked_ == Interest::none) {  // its budget is used up
    wake();
    detail::LoopAccess::poll_next(loop());
    return true;
  }
  if (instead_) [[unlikely]] {
    if (!self().accepted_all()) {
      error_ = instead_;
    }
    stop_waiting();  // what the last attempt has left to the stream is its own from now on
    return false;
  }
  if (const std::error_code error = stream_.wait(kOperation, blocked_, *this)) [[unlikely]] {
    error_ = detail::PackedError(error);
    stream_.waiting_ &= static_cast<std::uint8_t>(~kBit);
    self().on_cut_off();
    return false;
  }
  return true;
}

template <typename Self, StreamOp kOperation>
bool StreamLeaf<Self, kOperation>::settle(IoResult result, std::uint64_t& counter) noexcept {
  blocked_ = result.blocked;
  error_ = result.error;
  if (result.bytes > 0) [[likely]] {
    counter += result.bytes;
    Loop& here = loop();
    stream_.last_active_ = here.now();
    detail::LoopAccess::budget(here).moved(result.bytes);
    return true;
  }
  return blocked_ == Interest::none;
}

template <typename Self, StreamOp kOperation>
bool StreamLeaf<Self, kOperation>::on_wake() noexcept {
  if (scope_cancelled()) [[unlikely]] {  // readiness is not a result yet
    const bool accepted = self().accepted_all();
    stop_waiting();
    if (!accepted) {
      mark_cancelled();
    }
    return true;
  }
  if (!try_within_budget() && keep_waiting()) {
    return false;
  }
  stream_.waiting_ &= static_cast<std::uint8_t>(~kBit);
  return true;
}

template <typename Self, StreamOp kOperation>
void StreamLeaf<Self, kOperation>::give_up(detail::PackedError error) noexcept {
  if (scope_cancelled()) {
    return;  // it has its news, and who waits at the stream by now may be another
  }
  instead_ = error;
  stream_.forget(kOperation);
  wake();
}

template <typename Self, StreamOp kOperation>
void StreamLeaf<Self, kOperation>::time_out() noexcept {
  give_up(detail::PackedError::system(ETIMEDOUT));
}

template <typename Self, StreamOp kOperation>
bool StreamLeaf<Self, kOperation>::on_cancel() noexcept {
  if (self().accepted_all()) [[unlikely]] {
    stream_.forget(kOperation);
    wake();
    return false;
  }
  stop_waiting();
  return true;
}

template <typename Self, StreamOp kOperation>
void StreamLeaf<Self, kOperation>::stop_waiting() noexcept {
  stream_.forget(kOperation);
  stream_.waiting_ &= static_cast<std::uint8_t>(~kBit);
  self().on_cut_off();
}

template <typename Self, StreamOp kOperation>
const char* StreamLeaf<Self, kOperation>::waits_for() const noexcept {
  switch (kOperation) {
    case StreamOp::recv:
      return "recv";
    case StreamOp::send:
      return "send";
    case StreamOp::closed:
      return "closed";
  }
}

template <typename Self, StreamOp kOperation>
bool StreamLeaf<Self, kOperation>::wait_for_more() noexcept
  requires(kOperation == StreamOp::recv)
{
  if (std::exchange(stream_.recv_drained_, false)) {
    blocked_ = Interest::readable;  // the last attempt has shown that the next one would block
    return true;
  }
  return !may_go_on();
}

template <typename Self, StreamOp kOperation>
bool StreamLeaf<Self, kOperation>::receive(Chunk& chunk) noexcept
  requires(kOperation == StreamOp::recv)
{
  if (!stream_.unread_.empty()) [[unlikely]] {
    chunk = stream_.unread_.pop_front();
    return settle(detail::PackedError());
  }
  if (!chunk.try_lease()) [[unlikely]] {
    return settle(detail::PackedError::system(ENOMEM));
  }
  const IoResult result = stream_.try_recv(chunk.space());
  if (result.bytes > 0) [[likely]] {
    chunk.commit(result.bytes);
  } else {
    chunk = Chunk();
  }
  stream_.recv_drained_ = result.drained;
  return settle(result, stream_.bytes_received_);
}

}  // namespace simul
