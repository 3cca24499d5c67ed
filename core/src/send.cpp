#include <simul/send.hpp>

#include <algorithm>
#include <exception>
#include <string>

#include <simul/detail/task_base.hpp>
#include <simul/log.hpp>

#include "loop_access.hpp"
#include "stream_leaf.hpp"

namespace simul {

void detail::report_unawaited_send() noexcept {
  if (std::uncaught_exceptions() > 0) {
    return;  // it was on its way to a co_await
  }
  // Of its stream nothing can be said: that may be gone.
  const TaskBase* task = LoopAccess::current_task_or_null();
  log(LogLevel::warning, "a send() was never awaited" +
                             (task != nullptr ? " in " + task->label() : std::string()) +
                             ": it has sent nothing");
}

template class SIMUL_EXPORT StreamLeaf<Send, StreamOp::send>;
template class SIMUL_EXPORT StreamLeaf<SendPieces, StreamOp::send>;
template class SIMUL_EXPORT StreamLeaf<SendSome, StreamOp::send>;
template class SIMUL_EXPORT StreamLeaf<SendFile, StreamOp::send>;
template class SIMUL_EXPORT Until<Send>;
template class SIMUL_EXPORT Until<SendPieces>;
template class SIMUL_EXPORT Until<SendFile>;

bool Send::attempt() noexcept {
  if (stream_.broken_) [[unlikely]] {
    return settle(detail::PackedError(Errc::broken_stream));
  }
  while (!bytes_.empty()) {
    const IoResult result = stream_.try_send(bytes_, {});
    const bool done = settle(result, stream_.bytes_accepted_);
    if (result.bytes == 0 || (result.bytes == bytes_.size() && !result.unflushed)) [[likely]] {
      return done;
    }
    begun_ = true;
    bytes_ = bytes_.subspan(result.bytes);
    if (!bytes_.empty() && !may_go_on()) {
      return false;  // nothing blocks: it goes on in the task's next turn
    }
  }
  return begun_ ? flushed() : settle(detail::PackedError());
}

bool Send::accepted_all() const noexcept { return begun_ && bytes_.empty(); }

void Send::on_cut_off() noexcept { stream_.broken_ |= begun_ && !bytes_.empty(); }

std::expected<void, std::error_code> Send::await_resume() { return outcome(); }

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
    if (skip_empty() && !may_go_on()) {
      return false;  // nothing blocks: it goes on in the task's next turn
    }
  }
  return begun_ ? flushed() : settle(detail::PackedError());
}

bool SendPieces::accepted_all() const noexcept { return begun_ && first_.empty() && rest_.empty(); }

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

void SendPieces::on_cut_off() noexcept { stream_.broken_ |= begun_ && !accepted_all(); }

std::expected<void, std::error_code> SendPieces::await_resume() { return outcome(); }

bool SendSome::attempt() noexcept {
  if (stream_.broken_) {
    return settle(detail::PackedError(Errc::broken_stream));
  }
  if (bytes_.empty()) {
    return settle(detail::PackedError());
  }
  if (sent_ == 0) {
    const IoResult result = stream_.try_send(bytes_, {});
    sent_ = result.bytes;
    const bool done = settle(result, stream_.bytes_accepted_);
    if (!result.unflushed) {
      return done;
    }
  }
  return flushed();
}

bool SendSome::accepted_all() const noexcept { return sent_ > 0; }

std::expected<std::size_t, std::error_code> SendSome::await_resume() { return outcome(sent_); }

// --- of a file ---------------------------------------------------------------------------------

bool SendFile::attempt() noexcept {
  if (stream_.broken_) {
    return settle(detail::PackedError(Errc::broken_stream));
  }
  while (left_ > 0) {
    // More would be more than a step may move.
    const std::uint64_t most = detail::StepBudget::kPayload;
    const IoResult result = stream_.try_send_file(file_, offset_, std::min(left_, most));
    const bool done = settle(result, stream_.bytes_accepted_);
    if (result.bytes == 0) {
      stream_.broken_ |= begun_ && done;
      return done;
    }
    begun_ = true;
    offset_ += result.bytes;
    left_ -= result.bytes;
    if (left_ > 0 && !may_go_on()) {
      return false;  // nothing blocks: it goes on in the task's next turn
    }
  }
  return begun_ ? flushed() : settle(detail::PackedError());
}

bool SendFile::accepted_all() const noexcept { return begun_ && left_ == 0; }

void SendFile::on_cut_off() noexcept { stream_.broken_ |= begun_ && left_ > 0; }

std::expected<void, std::error_code> SendFile::await_resume() { return outcome(); }

}  // namespace simul
