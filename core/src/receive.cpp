#include <simul/receive.hpp>

#include <algorithm>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

#include "stream_leaf.hpp"

namespace simul {

template class SIMUL_EXPORT StreamLeaf<RecvChunk, StreamOp::recv>;
template class SIMUL_EXPORT StreamLeaf<RecvInto, StreamOp::recv>;
template class SIMUL_EXPORT StreamLeaf<ReadExactly, StreamOp::recv>;
template class SIMUL_EXPORT StreamLeaf<ReadUntil, StreamOp::recv>;
template class SIMUL_EXPORT Until<RecvChunk>;

// --- what is there -----------------------------------------------------------------------------

bool RecvChunk::attempt() noexcept { return receive(chunk_); }

std::expected<Chunk, std::error_code> RecvChunk::await_resume() {
  return outcome(std::move(chunk_));
}

bool RecvInto::await_ready() {
  if (buffer_.empty()) {
    throw std::logic_error("a recv into an empty buffer could never give a byte");
  }
  return StreamLeaf::await_ready();
}

bool RecvInto::attempt() noexcept {
  if (!stream_.unread_.empty()) [[unlikely]] {
    received_ = stream_.take_unread(buffer_);
    return settle(detail::PackedError());
  }
  const IoResult result = stream_.try_recv(buffer_);
  received_ = result.bytes;
  stream_.recv_drained_ = result.drained;
  return settle(result, stream_.bytes_received_);
}

std::expected<std::size_t, std::error_code> RecvInto::await_resume() { return outcome(received_); }

// --- so many bytes -----------------------------------------------------------------------------

bool ReadExactly::await_ready() {
  if (buffer_.empty()) {
    check_cancelled();
    return true;
  }
  return StreamLeaf::await_ready();
}

bool ReadExactly::attempt() noexcept {
  for (;;) {
    const MutableBytes missing = buffer_.subspan(received_);
    if (!stream_.unread_.empty()) {
      received_ += stream_.take_unread(missing);
      settle(detail::PackedError());
    } else {
      const IoResult result = stream_.try_recv(missing);
      stream_.recv_drained_ = result.drained;
      if (!settle(result, stream_.bytes_received_)) {
        return false;
      }
      if (error_) {
        return fail();
      }
      received_ += result.bytes;
    }
    if (received_ == buffer_.size()) {
      return true;
    }
    if (wait_for_more()) {
      return false;
    }
  }
}

bool ReadExactly::fail() noexcept {
  if (received_ > 0 && error_ == Errc::end_of_stream) {
    error_ = Errc::incomplete_read;
  }
  on_cut_off();
  return true;
}

void ReadExactly::on_cut_off() noexcept { stream_.give_back(buffer_.first(received_)); }

std::expected<void, std::error_code> ReadExactly::await_resume() { return outcome(); }

// --- up to a separator -------------------------------------------------------------------------

struct ReadUntil::Match {
  std::size_t end = std::string_view::npos;
  std::size_t length = 0;  // of the separator
};

ReadUntil::ReadUntil(Stream& stream, std::string_view separator, std::size_t limit)
    : StreamLeaf(stream), separator_(separator), separators_(&separator_, 1), limit_(limit) {
  measure_separators();
}

ReadUntil::ReadUntil(Stream& stream, std::span<const std::string_view> separators,
                     std::size_t limit, Give give)
    : StreamLeaf(stream), give_(give), separators_(separators), limit_(limit) {
  measure_separators();
}

void ReadUntil::measure_separators() {
  if (separators_.empty()) {
    throw std::invalid_argument("a read up to a separator needs one");
  }
  for (const std::string_view separator : separators_) {
    if (separator.empty()) {
      throw std::invalid_argument("a separator must not be empty");
    }
    longest_separator_ = std::max(longest_separator_, separator.size());
  }
}

bool ReadUntil::attempt() noexcept {
  for (;;) {
    Chunk chunk;
    if (!receive(chunk)) {
      return false;
    }
    if (error_) {
      return fail();
    }
    try {
      if (take(chunk)) {
        return true;
      }
    } catch (const std::bad_alloc&) {
      stream_.unread(std::move(chunk));
      error_ = detail::PackedError::system(ENOMEM);
      return fail();
    }
    if (wait_for_more()) {
      return false;
    }
  }
}

/// Looks at what came. True: that is the end, one way or the other. Throws std::bad_alloc before it
/// has changed anything.
bool ReadUntil::take(Chunk& chunk) {
  const std::size_t before = text_.size();
  if (before > 0) {
    text_.append(chunk.text());
  }
  const std::string_view text = before > 0 ? std::string_view(text_) : chunk.text();
  const Match match = find(text);
  const bool found = match.length > 0;
  if (found ? match.end - match.length > limit_ : too_long(text.size())) {
    if (before == 0) {
      stream_.unread(std::move(chunk));
    }
    error_ = Errc::limit_overrun;
    return fail();
  }
  if (!found) {
    searched_ = text.size() - std::min(text.size(), longest_separator_ - 1);
    if (before == 0) {
      text_.assign(text);
    }
    return false;
  }
  const std::size_t given = give_ == Give::with_separator ? match.end : match.end - match.length;
  before > 0 ? text_.resize(given) : void(text_.assign(text.substr(0, given)));
  chunk.consume(match.end - before);
  stream_.unread(std::move(chunk));
  return true;
}

/// The separator that ends first; of two that end there the longer one.
ReadUntil::Match ReadUntil::find(std::string_view text) const noexcept {
  Match best;
  for (const std::string_view separator : separators_) {
    const std::size_t at = text.substr(0, best.end).find(separator, searched_);
    if (at == std::string_view::npos) {
      continue;
    }
    const std::size_t end = at + separator.size();
    if (end < best.end || separator.size() > best.length) {
      best = {.end = end, .length = separator.size()};
    }
  }
  return best;
}

/// Without a separator in them: is every text that begins with these bytes over the limit?
bool ReadUntil::too_long(std::size_t size) const noexcept {
  if (separators_.empty()) {
    return size > limit_;
  }
  return size >= longest_separator_ && size - longest_separator_ >= limit_;
}

bool ReadUntil::fail() noexcept {
  if (error_ == Errc::end_of_stream) {
    if (separators_.empty()) {
      return settle(detail::PackedError());
    }
    if (!text_.empty()) {
      error_ = Errc::incomplete_read;
    }
  }
  on_cut_off();
  return true;
}

void ReadUntil::on_cut_off() noexcept { stream_.give_back(as_bytes(text_)); }

std::expected<std::string, std::error_code> ReadUntil::await_resume() {
  return outcome(std::move(text_));
}

}  // namespace simul
