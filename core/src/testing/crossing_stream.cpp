// Below, every byte travels as two symbols, so that no portion of it is ever held back here: a part of
// a record that a full stream below leaves over would belong to nobody who waits. A first half that
// isn't followed by its second one counts for nothing, for the send was cut off in between.
#include <simul/testing/crossing_stream.hpp>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace simul {
namespace {

constexpr unsigned kHigh = 0x10;
constexpr unsigned kLow = 0x20;
constexpr unsigned kAcknowledgement = 0x40;
constexpr unsigned kEnd = 0x50;
constexpr unsigned kKind = 0xf0;

constexpr std::size_t kAcknowledgedBytes = CrossingStream::kWindow / 4;
constexpr std::size_t kPortion = 512;

}  // namespace

CrossingStream::CrossingStream(std::unique_ptr<Stream> below) noexcept : below_(std::move(below)) {}

CrossingStream::~CrossingStream() { close(); }

/// Takes all that is there: the window bounds it. Whoever waits for what came is told.
void CrossingStream::read_below() noexcept {
  const std::size_t credit = credit_;
  const std::size_t hidden = hidden_size_;
  const bool ended = peer_ended_;
  const bool all_ended = below_ended_;
  std::array<std::byte, 512> symbols{};
  while (!below_ended_ && !broken_) {
    const IoResult result = below_->try_recv(symbols);
    blocked_ = result.blocked;
    if (result.blocked != Interest::none) {
      break;
    }
    if (result.bytes == 0) {
      if (result.error.unpack() == Errc::end_of_stream) {
        below_ended_ = true;
        peer_ended_ = true;
      } else {
        broken_ = result.error;
      }
      break;
    }
    for (const std::byte symbol : std::span(symbols).first(result.bytes)) {
      decode(symbol);
    }
  }
  if (hidden_size_ != hidden || peer_ended_ != ended || broken_) {
    recv_news_ = true;
    wake(StreamOp::recv);
    wake(StreamOp::closed);
  }
  if (credit_ != credit || below_ended_ != all_ended || broken_) {
    send_news_ = true;
    wake(StreamOp::send);
  }
}

void CrossingStream::decode(std::byte symbol) noexcept {
  const unsigned kind = std::to_integer<unsigned>(symbol) & kKind;
  const unsigned half = std::to_integer<unsigned>(symbol) & ~kKind;
  if (kind == kHigh) {
    high_received_ = static_cast<int>(half);
  } else if (kind == kLow && high_received_ >= 0 && hidden_size_ < kWindow) {
    hidden_[(hidden_begin_ + hidden_size_++) % kWindow] =
        static_cast<std::byte>(static_cast<unsigned>(high_received_) << 4 | half);
    high_received_ = -1;
  } else if (kind == kAcknowledgement) {
    credit_ += kAcknowledgedBytes;
  } else if (kind == kEnd) {
    peer_ended_ = true;
  } else {
    broken_ = detail::PackedError::system(EPROTO);
  }
}

/// False: there is an end to be announced that the stream below doesn't take now. It is asked twice:
/// there may be nobody who waits for a third try, and the first refusal may be chaos.
bool CrossingStream::say_end() noexcept {
  for (int tries = 0; end_unsaid_ && tries < 2; ++tries) {
    const std::array symbol = {static_cast<std::byte>(kEnd)};
    end_unsaid_ = below_->try_send(symbol, {}).blocked != Interest::none;
  }
  return !end_unsaid_;
}

/// Writes what is owed. Blocked: a recv has to wait for that. It reads on meanwhile, for the peer may be stuck
/// in the same way, and not read until it can write. To a peer that is gone nothing is written: the error would
/// hide what it sent before it went.
IoResult CrossingStream::acknowledge() noexcept {
  if (owed_ > 0 && below_->try_closed().blocked == Interest::none) {
    owed_ = 0;
  }
  while (owed_ > 0 && !peer_ended_ && !broken_) {
    if (!std::exchange(about_to_acknowledge_, true)) {
      ++crossings_.recv;
      return IoResult::would_block(Interest::both);
    }
    const std::array symbol = {static_cast<std::byte>(kAcknowledgement)};
    const IoResult result = below_->try_send(symbol, {});
    if (result.blocked != Interest::none) {
      return IoResult::would_block(Interest::both);
    }
    about_to_acknowledge_ = false;
    --owed_;  // if it failed, reading will show why
  }
  return {};
}

IoResult CrossingStream::try_recv(MutableBytes buffer) noexcept {
  waiter(StreamOp::recv) = nullptr;
  if (closed_) {
    return IoResult::failed(Errc::closed);
  }
  const bool end_said = say_end();
  read_below();
  recv_news_ = false;
  if (const IoResult result = acknowledge(); result.blocked != Interest::none) {
    return result;
  }
  const std::size_t bytes = std::min(buffer.size(), hidden_size_);
  if (bytes > 0) {
    for (std::byte& byte : buffer.first(bytes)) {
      byte = hidden_[hidden_begin_++ % kWindow];
    }
    hidden_begin_ %= kWindow;
    hidden_size_ -= bytes;
    unacknowledged_ += bytes;
    owed_ += unacknowledged_ / kAcknowledgedBytes;
    unacknowledged_ %= kAcknowledgedBytes;
    watch_for_closed();
    return IoResult::moved(bytes);
  }
  if (broken_ || peer_ended_) {
    watch_for_closed();
    return IoResult::failed(broken_ ? broken_ : detail::PackedError(Errc::end_of_stream));
  }
  return IoResult::would_block(end_said ? blocked_ : Interest::both);
}

IoResult CrossingStream::try_send(Bytes first, std::span<const Bytes> rest) noexcept {
  waiter(StreamOp::send) = nullptr;
  if (closed_) {
    return IoResult::failed(Errc::closed);
  }
  read_below();
  send_news_ = false;
  if (broken_) {
    return IoResult::failed(broken_);
  }
  if (ended_) {
    say_end();
    return IoResult::failed(detail::PackedError::system(EPIPE));
  }
  if (credit_ == 0 && !below_ended_) {
    ++crossings_.send;
    return IoResult::would_block(blocked_);
  }
  std::array<std::byte, 2 * kPortion> symbols{};
  std::size_t size = 0;
  std::size_t left = below_ended_ ? kPortion : std::min(credit_, kPortion);
  const auto encode = [&](Bytes bytes) {
    for (const std::byte byte : bytes.first(std::min(bytes.size(), left))) {
      const unsigned value = std::to_integer<unsigned>(byte);
      if (size > 0 || high_sent_ != static_cast<int>(value >> 4)) {
        symbols[size++] = static_cast<std::byte>(kHigh | value >> 4);
      }
      symbols[size++] = static_cast<std::byte>(kLow | (value & ~kKind));
      --left;
    }
  };
  encode(first);
  for (const Bytes bytes : rest) {
    encode(bytes);
  }
  const IoResult result = below_->try_send(std::span(symbols).first(size), {});
  if (result.bytes == 0) {
    return result;
  }
  std::size_t sent = 0;
  for (const std::byte symbol : std::span(symbols).first(result.bytes)) {
    const bool high = (std::to_integer<unsigned>(symbol) & kKind) == kHigh;
    high_sent_ = high ? static_cast<int>(std::to_integer<unsigned>(symbol) & ~kKind) : -1;
    sent += high ? 0 : 1;
  }
  credit_ -= std::min(credit_, sent);
  return sent > 0 ? IoResult::moved(sent) : IoResult::would_block(Interest::writable);
}

std::error_code CrossingStream::try_shutdown() noexcept {
  if (closed_) {
    return Errc::closed;
  }
  if (!std::exchange(ended_, true)) {
    end_unsaid_ = true;
    say_end();
    wake(StreamOp::send);
    wake(StreamOp::closed);
  }
  return {};
}

IoResult CrossingStream::try_closed() noexcept {
  waiter(StreamOp::closed) = nullptr;
  if (closed_) {
    return IoResult::failed(Errc::closed);
  }
  const bool end_said = say_end();
  read_below();
  if (broken_) {
    return IoResult::failed(broken_);
  }
  if (ended_ && end_said && peer_ended_) {
    return IoResult::failed(Errc::end_of_stream);
  }
  if (const IoResult below = below_->try_closed(); below.blocked == Interest::none) {
    return below;
  }
  return IoResult::would_block(end_said ? Interest::readable : Interest::both);
}

std::error_code CrossingStream::wait(StreamOp operation, Interest interest, Leaf& leaf) noexcept {
  if (closed_) {
    return Errc::closed;
  }
  waiter(operation) = &leaf;
  if (operation == StreamOp::closed) {
    watch_for_closed();
    return {};
  }
  bool& news = operation == StreamOp::recv ? recv_news_ : send_news_;
  if (std::exchange(news, false)) {
    leaf.wake();
    return {};
  }
  if (operation == StreamOp::recv) {
    below_->forget(StreamOp::recv);  // closed() may wait there
  }
  return below_->wait(operation, interest, leaf);
}

/// closed() has to notice the end that the peer announces, so it waits for something to read, in the
/// place of a recv as long as there is none. After that end only the stream below can bring news.
void CrossingStream::watch_for_closed() noexcept {
  Leaf* leaf = waiter(StreamOp::closed);
  if (leaf == nullptr) {
    return;
  }
  if (peer_ended_ || broken_) {
    if (below_->wait(StreamOp::closed, Interest::readable, *leaf)) {
      leaf->wake();
    }
  } else if (waiter(StreamOp::recv) == nullptr) {
    below_->forget(StreamOp::recv);
    if (below_->wait(StreamOp::recv, end_unsaid_ ? Interest::both : Interest::readable, *leaf)) {
      leaf->wake();
    }
  }
}

void CrossingStream::wake(StreamOp operation) noexcept {
  if (Leaf* leaf = std::exchange(waiter(operation), nullptr); leaf != nullptr) {
    below_->forget(operation);
    if (operation == StreamOp::closed && waiter(StreamOp::recv) == nullptr) {
      below_->forget(StreamOp::recv);
    }
    leaf->wake();
  }
}

void CrossingStream::forget(StreamOp operation) noexcept {
  waiter(operation) = nullptr;
  if (closed_) {
    return;
  }
  below_->forget(operation);  // in any case: an attempt may have come between
  if (operation == StreamOp::recv) {
    watch_for_closed();
  } else if (operation == StreamOp::closed && waiter(StreamOp::recv) == nullptr) {
    below_->forget(StreamOp::recv);
  }
}

void CrossingStream::close(CloseMode mode) noexcept {
  if (std::exchange(closed_, true)) {
    return;
  }
  if (mode == CloseMode::graceful && !ended_) {
    end_unsaid_ = true;
    say_end();
  }
  for (const StreamOp operation : {StreamOp::recv, StreamOp::send, StreamOp::closed}) {
    wake(operation);
  }
  below_->close(mode);
}

}  // namespace simul
