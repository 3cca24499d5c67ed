#include <simul/stream.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "loop_access.hpp"

namespace simul {

Stream::~Stream() = default;

void Stream::unread(Chunk rest) {
  if (rest.empty()) {
    return;
  }
  if (unread_.leased()) {
    throw std::logic_error("bytes were given back to this stream already");
  }
  unread_ = std::move(rest);
  recv_drained_ = false;
}

std::error_code Stream::shutdown() noexcept { return try_shutdown(); }

// --- the common part ---------------------------------------------------------------------------

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
  if (!detail::LoopAccess::budget(loop()).take_attempt()) [[unlikely]] {
    blocked_ = Interest::none;
    return false;
  }
  return self().attempt();
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
    error_ = instead_;
    stream_.waiting_ &= static_cast<std::uint8_t>(~kBit);
    return false;
  }
  if (const std::error_code error = stream_.wait(kOperation, blocked_, *this)) [[unlikely]] {
    error_ = detail::PackedError(error);
    stream_.waiting_ &= static_cast<std::uint8_t>(~kBit);
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
    on_cancel();
    mark_cancelled();
    return true;
  }
  if (!try_within_budget() && keep_waiting()) {
    return false;
  }
  stream_.waiting_ &= static_cast<std::uint8_t>(~kBit);
  return true;
}

template <typename Self, StreamOp kOperation>
void StreamLeaf<Self, kOperation>::give_up(Errc error) noexcept {
  instead_ = error;
  stream_.forget(kOperation);
  wake();
}

template <typename Self, StreamOp kOperation>
bool StreamLeaf<Self, kOperation>::on_cancel() noexcept {
  stream_.forget(kOperation);
  stream_.waiting_ &= static_cast<std::uint8_t>(~kBit);
  self().on_cut_off();
  return true;
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

template class SIMUL_EXPORT StreamLeaf<RecvChunk, StreamOp::recv>;
template class SIMUL_EXPORT StreamLeaf<RecvInto, StreamOp::recv>;
template class SIMUL_EXPORT StreamLeaf<Send, StreamOp::send>;
template class SIMUL_EXPORT StreamLeaf<SendPieces, StreamOp::send>;
template class SIMUL_EXPORT StreamLeaf<SendSome, StreamOp::send>;
template class SIMUL_EXPORT StreamLeaf<Closed, StreamOp::closed>;

// --- receiving ---------------------------------------------------------------------------------

bool RecvChunk::attempt() noexcept {
  if (stream_.unread_.leased()) [[unlikely]] {
    chunk_ = std::exchange(stream_.unread_, Chunk());
    return true;
  }
  if (!chunk_.try_lease()) [[unlikely]] {
    return settle(detail::PackedError::system(ENOMEM));
  }
  const IoResult result = stream_.try_recv(chunk_.space());
  if (result.bytes > 0) [[likely]] {
    chunk_.commit(result.bytes);
  } else {
    chunk_ = Chunk();
  }
  stream_.recv_drained_ = result.drained;
  return settle(result, stream_.bytes_received_);
}

std::expected<Chunk, std::error_code> RecvChunk::await_resume() {
  throw_if_cancelled();
  if (error_) {
    return std::unexpected(error_.unpack());
  }
  return std::move(chunk_);
}

bool RecvInto::attempt() noexcept {
  if (stream_.unread_.leased()) [[unlikely]] {
    Chunk& unread = stream_.unread_;
    received_ = std::min(buffer_.size(), unread.size());
    std::memcpy(buffer_.data(), unread.data(), received_);
    unread.consume(received_);
    if (unread.empty()) {
      unread = Chunk();
    }
    return true;
  }
  const IoResult result = stream_.try_recv(buffer_);
  received_ = result.bytes;
  stream_.recv_drained_ = result.drained;
  return settle(result, stream_.bytes_received_);
}

std::expected<std::size_t, std::error_code> RecvInto::await_resume() {
  throw_if_cancelled();
  if (error_) {
    return std::unexpected(error_.unpack());
  }
  return received_;
}

// --- sending -----------------------------------------------------------------------------------

bool Send::attempt() noexcept {
  if (stream_.broken_) [[unlikely]] {
    return settle(detail::PackedError(Errc::broken_stream));
  }
  while (!bytes_.empty()) {
    const IoResult result = stream_.try_send(bytes_, {});
    const bool done = settle(result, stream_.bytes_accepted_);
    if (result.bytes == bytes_.size() || result.bytes == 0) [[likely]] {
      return done;
    }
    begun_ = true;
    bytes_ = bytes_.subspan(result.bytes);
    if (!detail::LoopAccess::budget(loop()).take_attempt()) {
      return false;  // nothing blocks: it goes on in the task's next turn
    }
  }
  return settle(detail::PackedError());
}

void Send::on_cut_off() noexcept { stream_.broken_ |= begun_; }

std::expected<void, std::error_code> Send::await_resume() {
  throw_if_cancelled();
  if (error_) {
    return std::unexpected(error_.unpack());
  }
  return {};
}

bool SendPieces::attempt() noexcept {
  if (stream_.broken_) {
    return settle(detail::PackedError(Errc::broken_stream));
  }
  while (skip_empty()) {
    const IoResult result = stream_.try_send(first_, rest_);
    const bool done = settle(result, stream_.bytes_accepted_);
    if (result.bytes == 0) {
      return done;
    }
    begun_ = true;
    for (std::size_t left = result.bytes; left > 0 && skip_empty();) {
      const std::size_t taken = std::min(left, first_.size());
      first_ = first_.subspan(taken);
      left -= taken;
    }
    if (skip_empty() && !detail::LoopAccess::budget(loop()).take_attempt()) {
      return false;  // nothing blocks: it goes on in the task's next turn
    }
  }
  return settle(detail::PackedError());
}

/// Makes `first_` the first bytes that are left; false: none are.
bool SendPieces::skip_empty() noexcept {
  while (first_.empty()) {
    if (rest_.empty()) {
      return false;
    }
    first_ = rest_.front();
    rest_ = rest_.subspan(1);
  }
  return true;
}

void SendPieces::on_cut_off() noexcept { stream_.broken_ |= begun_; }

std::expected<void, std::error_code> SendPieces::await_resume() {
  throw_if_cancelled();
  if (error_) {
    return std::unexpected(error_.unpack());
  }
  return {};
}

bool SendSome::attempt() noexcept {
  if (stream_.broken_) {
    return settle(detail::PackedError(Errc::broken_stream));
  }
  if (bytes_.empty()) {
    return settle(detail::PackedError());
  }
  const IoResult result = stream_.try_send(bytes_, {});
  sent_ = result.bytes;
  return settle(result, stream_.bytes_accepted_);
}

std::expected<std::size_t, std::error_code> SendSome::await_resume() {
  throw_if_cancelled();
  if (error_) {
    return std::unexpected(error_.unpack());
  }
  return sent_;
}

// --- the end -----------------------------------------------------------------------------------

bool Closed::attempt() noexcept {
  std::uint64_t nothing = 0;
  return settle(stream_.try_closed(), nothing);
}

std::error_code Closed::await_resume() {
  throw_if_cancelled();
  return error_.unpack();
}

}  // namespace simul
