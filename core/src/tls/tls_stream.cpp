// OpenSSL sees the stream below through a BIO of ours. Reading takes what is there, straight into OpenSSL's
// own buffer (it reads ahead), so one receive may bring many records. Writing always succeeds: what the
// stream below doesn't take is held, and nothing more is encrypted before that is gone. So OpenSSL never
// has to be asked a second time to write the same thing, which is what makes a cut-off send dangerous.
//
// During the handshake the BIO touches nothing but memory, so that a step of it can be left to another
// thread; the coroutine moves the bytes.
#include <simul/tls_stream.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include <openssl/x509v3.h>

#include <simul/cancel_scope.hpp>
#include <simul/error.hpp>
#include <simul/task.hpp>
#include <simul/to_thread.hpp>

#include "openssl.hpp"

namespace simul {
namespace {

constexpr std::size_t kRecord = SSL3_RT_MAX_PLAIN_LENGTH;
/// A peer that makes us answer (KeyUpdate) and doesn't read isn't read from either.
constexpr std::size_t kMostHeld = std::size_t{128} << 10;
/// A record is complete after a few, or its peer is slow, or it sends nothing but KeyUpdates.
constexpr int kReadsOfAnAttempt = 4;

/// For a goodbye to a peer that doesn't read.
constexpr Duration kSeeOff = std::chrono::seconds(5);

int as_int(std::size_t size) noexcept {
  return static_cast<int>(std::min<std::size_t>(size, INT32_MAX));
}

}  // namespace

// --- the BIO -----------------------------------------------------------------------------------

struct TlsBio {
  static TlsStream& stream_of(BIO* bio) noexcept {
    return *static_cast<TlsStream*>(BIO_get_data(bio));
  }

  static int read(BIO* bio, char* data, std::size_t size, std::size_t* got) noexcept {
    BIO_clear_retry_flags(bio);
    bool retry = false;
    *got = stream_of(bio).read_below({reinterpret_cast<std::byte*>(data), size}, retry);
    if (retry) {
      BIO_set_retry_read(bio);
    }
    return *got > 0 ? 1 : 0;
  }
  static int write(BIO* bio, const char* data, std::size_t size, std::size_t* written) noexcept {
    BIO_clear_retry_flags(bio);
    stream_of(bio).write_below({reinterpret_cast<const std::byte*>(data), size});
    *written = size;
    return 1;
  }
  static long control(BIO*, int command, long, void*) noexcept {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static BIO* make(TlsStream& stream) {
    static const BIO_METHOD* const method = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "simul stream");
      if (made != nullptr) {
        BIO_meth_set_read_ex(made, read);
        BIO_meth_set_write_ex(made, write);
        BIO_meth_set_ctrl(made, control);
      }
      return made;
    }();
    BIO* const bio = method != nullptr ? BIO_new(method) : nullptr;
    if (bio == nullptr) {
      throw std::bad_alloc();
    }
    BIO_set_data(bio, &stream);
    BIO_set_init(bio, 1);
    return bio;
  }
};

// --- what is held when nobody waits to send ------------------------------------------------------
// A sender that was cancelled may leave the end of a record, a shutdown its goodbye. A task sees them off.

class TlsStream::Flush final : public Leaf {
 public:
  explicit Flush(Flushing& shared) noexcept : shared_(shared) {}
  ~Flush() {
    shared_.leaf = nullptr;
    if (shared_.stream == nullptr) {
      return;
    }
    if (shared_.stream->waiter(StreamOp::send) == nullptr) {
      shared_.stream->below_->forget(StreamOp::send);
    }
    shared_.stream->flushing_.reset();
  }
  bool await_ready() {
    check_cancelled();
    return !wanted();
  }
  bool await_suspend(std::coroutine_handle<>) noexcept {
    if (!wait()) {
      return false;
    }
    suspend();
    return true;
  }
  void await_resume() const { throw_if_cancelled(); }
  [[nodiscard]] const char* waits_for() const noexcept override { return "tls flush"; }

  bool wait() noexcept {
    const bool waits =
        !shared_.stream->below_->wait(StreamOp::send, shared_.stream->held_blocked_, *this);
    shared_.leaf = waits ? this : nullptr;
    return waits;
  }

 private:
  /// A sender, if there is one, flushes before it sends.
  bool wanted() const noexcept {
    TlsStream* const stream = shared_.stream;
    return stream != nullptr && stream->waiter(StreamOp::send) == nullptr && !stream->flush_held();
  }
  bool on_wake() noexcept override {
    shared_.leaf = nullptr;  // it is awake
    return !wanted() || !wait();
  }
  bool on_cancel() noexcept override { return true; }

  Flushing& shared_;
};

// --- bytes to and from the stream below --------------------------------------------------------

std::size_t TlsStream::read_below(MutableBytes buffer, bool& retry) noexcept {
  if (!arrived_.empty()) {
    const std::size_t bytes = std::min(buffer.size(), arrived_.size());
    std::memcpy(buffer.data(), arrived_.data(), bytes);
    arrived_.consume(bytes);
    if (arrived_.empty()) {
      arrived_ = Chunk();
    }
    return bytes;
  }
  if (handshaking_ || below_drained_ || reads_left_ == 0 || overfull()) {
    more_inside_ = !below_drained_;
    below_blocked_ = Interest::readable;
    retry = true;
    return 0;
  }
  --reads_left_;
  const IoResult result = below_->try_recv(buffer);
  below_drained_ = result.drained;
  below_blocked_ = result.blocked;
  more_inside_ = false;
  below_read_ = result.error;
  retry = result.blocked != Interest::none;
  return result.bytes;
}

void TlsStream::write_below(Bytes bytes) noexcept {
  if (!handshaking_ && held_.empty() && !below_write_) {
    const IoResult result = below_->try_send(bytes, {});
    below_write_ = result.error;
    below_unflushed_ |= result.unflushed;
    if (result.blocked != Interest::none) {
      held_blocked_ = result.blocked;
    }
    bytes = bytes.subspan(result.bytes);
  }
  if (!below_write_) {
    hold(bytes);
  }
}

void TlsStream::hold(Bytes bytes) noexcept {
  try {
    while (!bytes.empty()) {
      if (held_.empty() || held_.back().space().empty()) {
        held_.push_back(Chunk::lease());
      }
      const MutableBytes space = held_.back().space();
      const std::size_t size = std::min(space.size(), bytes.size());
      std::memcpy(space.data(), bytes.data(), size);
      held_.back().commit(size);
      bytes = bytes.subspan(size);
    }
  } catch (const std::bad_alloc&) {
    below_write_ = detail::PackedError::system(ENOMEM);
  }
}

/// True: nothing is held any more, or it never will be taken.
bool TlsStream::flush_held() noexcept {
  std::size_t gone = 0;
  while (gone < held_.size() && !below_write_) {
    const IoResult result = below_->try_send(held_[gone], {});
    below_write_ = result.error;
    below_unflushed_ |= result.unflushed;
    if (result.blocked != Interest::none) {
      held_blocked_ = result.blocked;
      break;
    }
    held_[gone].consume(result.bytes);
    gone += held_[gone].empty() ? 1 : 0;
  }
  if (gone == held_.size() && below_unflushed_ && !below_write_) {
    const IoResult result = below_->try_flush();
    below_write_ = result.error;
    below_unflushed_ = result.blocked != Interest::none;
    if (below_unflushed_) {
      held_blocked_ = result.blocked;
    }
  }
  if (below_write_ || (gone == held_.size() && !below_unflushed_)) {
    below_unflushed_ = false;
    std::vector<Chunk>().swap(held_);  // no memory for what is seldom needed
    if (flushing_ != nullptr && flushing_->leaf != nullptr) {
      flushing_->leaf->wake();
    }
    return true;
  }
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(gone));
  return false;
}

void TlsStream::keep_flushing() noexcept {
  if (closed_ || !holds() || waiter(StreamOp::send) != nullptr) {
    return;
  }
  if (flushing_ != nullptr) {
    if (Flush* const leaf = flushing_->leaf; leaf != nullptr && !leaf->wait()) {
      leaf->wake();
    }
    return;
  }
  try {
    flushing_ = std::make_shared<Flushing>(this);
    auto flush = [](std::shared_ptr<Flushing> shared) -> Coro<> { co_await Flush(*shared); };
    spawn(flush, flushing_);
  } catch (const std::exception&) {  // no memory, or no loop: the next operation sees to it
    flushing_.reset();
  }
}

bool TlsStream::overfull() const noexcept { return held_.size() * Chunk::kCapacity > kMostHeld; }

// --- the life of a session ---------------------------------------------------------------------

TlsStream::TlsStream(std::unique_ptr<Stream> below, detail::TlsSession session,
                     std::shared_ptr<const void> context)
    : below_(std::move(below)), context_(std::move(context)), session_(std::move(session)) {
  BIO* const bio = TlsBio::make(*this);
  SSL_set_bio(session_.get(), bio, bio);
}

TlsStream::~TlsStream() { close(); }

/// Gives nothing once it is done. What OpenSSL had to say last (an alert) is sent in any case.
Coro<std::error_code> TlsStream::handshake(bool offload) {
  for (;;) {
    int result = 0;
    std::error_code failure;
    auto step = [&] {
      ERR_clear_error();
      result = SSL_do_handshake(session_.get());
      if (result != 1 && SSL_get_error(session_.get(), result) != SSL_ERROR_WANT_READ) {
        failure = detail::handshake_error(*session_.get());
      }
    };
    if (offload && !arrived_.empty()) {
      co_await to_thread(step);  // it uses this frame, so a cancellation waits for it
    } else {
      step();
    }
    if (failure || result == 1) {  // what it said last (Finished, tickets, an alert) is seen off
      handshaking_ = false;
      broken_ = static_cast<bool>(failure);
      flush_held();
      keep_flushing();
      co_return failure;
    }
    for (Chunk& chunk : held_) {
      if (const auto sent = co_await below_->send(chunk); !sent) {
        co_return sent.error();
      }
    }
    held_.clear();
    auto chunk = co_await below_->recv();
    if (!chunk) {
      co_return chunk.error() == Errc::end_of_stream ? make_error_code(Errc::truncated)
                                                     : chunk.error();
    }
    arrived_ = std::move(*chunk);
  }
}

Coro<std::expected<std::unique_ptr<TlsStream>, std::error_code>> accept_tls(
    std::unique_ptr<Stream> below, std::shared_ptr<const TlsServerContext> context) {
  std::unique_ptr<TlsStream> stream(
      new TlsStream(std::move(below), context->make_session(), context));
  const bool offload = context->signs_slowly();
  if (const std::error_code error = co_await stream->handshake(offload)) {
    stream->close(Stream::CloseMode::graceful);
    co_return std::unexpected(error);
  }
  co_return std::move(stream);
}

Coro<std::expected<std::unique_ptr<TlsStream>, std::error_code>> connect_tls(
    std::unique_ptr<Stream> below, std::shared_ptr<const TlsClientContext> context,
    std::string host) {
  std::unique_ptr<TlsStream> stream(
      new TlsStream(std::move(below), context->make_session(host), context));
  if (const std::error_code error = co_await stream->handshake(false)) {
    stream->close(Stream::CloseMode::graceful);
    co_return std::unexpected(error);
  }
  co_return std::move(stream);
}

// --- what a stream does ------------------------------------------------------------------------

IoResult TlsStream::try_recv(MutableBytes buffer) noexcept {
  waiter(StreamOp::recv) = nullptr;
  if (closed_) {
    return IoResult::failed(Errc::closed);
  }
  if (holds()) [[unlikely]] {
    below_->forget(StreamOp::recv);  // an attempt must not wake the one for whom it is made
  }
  const bool flushed = flush_held();
  if (recv_end_) {
    return IoResult::failed(recv_end_);
  }
  if (!flushed && overfull()) {
    return IoResult::would_block(held_blocked_);
  }
  below_drained_ = false;
  reads_left_ = kReadsOfAnAttempt;
  ERR_clear_error();
  const int got = SSL_read(session_.get(), buffer.data(), as_int(buffer.size()));
  if (got > 0) [[likely]] {
    more_inside_ = SSL_has_pending(session_.get()) != 0;
    if (waiter(StreamOp::closed) != nullptr) [[unlikely]] {
      if (hidden_ || more_inside_) {
        wake(StreamOp::closed);  // it can look further now
      } else if (watch_for_closed()) {
        wake(StreamOp::closed);
      }
    }
    return IoResult::moved(static_cast<std::size_t>(got),
                           below_drained_ && !holds() && !more_inside_);
  }
  return read_failed(got);
}

/// SSL_read or SSL_peek has given nothing: does it have to wait, or is that the end?
IoResult TlsStream::read_failed(int result) noexcept {
  switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      if (overfull()) {
        return IoResult::would_block(held_blocked_);
      }
      return IoResult::would_block(holds() ? Interest::both : below_blocked_);
    case SSL_ERROR_ZERO_RETURN:
      recv_end_ = Errc::end_of_stream;
      break;
    case SSL_ERROR_SYSCALL:
      recv_end_ = below_read_;
      if (!recv_end_ || recv_end_ == detail::PackedError(Errc::end_of_stream)) {
        recv_end_ = Errc::truncated;
      }
      break;
    default:
      recv_end_ = detail::PackedError(detail::take_tls_error());
      broken_ = true;
      wake(StreamOp::send);
  }
  wake(StreamOp::closed);
  return IoResult::failed(recv_end_);
}

IoResult TlsStream::try_send(Bytes first, std::span<const Bytes> rest) noexcept {
  waiter(StreamOp::send) = nullptr;
  if (closed_) {
    return IoResult::failed(Errc::closed);
  }
  if (shut_down_) {
    return IoResult::failed(detail::PackedError::system(EPIPE));
  }
  if (!flush_held()) {
    return IoResult::would_block(held_blocked_);
  }
  if (below_write_ || broken_) {
    return IoResult::failed(below_write_ ? below_write_ : recv_end_);
  }
  Chunk together;  // small pieces share a record
  Bytes plain = first;
  if (first.size() < kRecord && !rest.empty()) {
    if (!together.try_lease()) {
      return IoResult::failed(detail::PackedError::system(ENOMEM));
    }
    const auto add = [&](Bytes piece) {
      const std::size_t size = std::min(piece.size(), together.space().size());
      std::ranges::copy(piece.first(size), together.space().begin());
      together.commit(size);
    };
    add(first);
    for (const Bytes piece : rest) {
      add(piece);
    }
    plain = together;
  }
  ERR_clear_error();
  const int sent = SSL_write(session_.get(), plain.data(), as_int(std::min(plain.size(), kRecord)));
  if (sent <= 0 && SSL_get_error(session_.get(), sent) == SSL_ERROR_WANT_READ) {
    return IoResult::would_block(Interest::readable);  // the rest of a message about the session
  }
  if (sent <= 0) {
    broken_ = true;
    if (!recv_end_) {
      recv_end_ = detail::PackedError(detail::take_tls_error());
    }
    return IoResult::failed(recv_end_);
  }
  if (below_write_) {
    return IoResult::failed(below_write_);
  }
  IoResult result = IoResult::moved(static_cast<std::size_t>(sent));
  result.unflushed = holds();
  return result;
}

IoResult TlsStream::try_flush() noexcept {
  waiter(StreamOp::send) = nullptr;
  if (closed_) {
    return IoResult::failed(Errc::closed);
  }
  if (!flush_held()) {
    return IoResult::would_block(held_blocked_);
  }
  return below_write_ ? IoResult::failed(below_write_) : IoResult();
}

/// Once; a session that can't go on says nothing more.
void TlsStream::say_goodbye() noexcept {
  if (!std::exchange(shut_down_, true) && !broken_ && !handshaking_) {
    ERR_clear_error();
    SSL_shutdown(session_.get());
    ERR_clear_error();
  }
}

std::error_code TlsStream::try_shutdown() noexcept {
  if (closed_) {
    return Errc::closed;
  }
  say_goodbye();
  wake(StreamOp::send);
  wake(StreamOp::closed);
  keep_flushing();
  return {};
}

IoResult TlsStream::try_closed() noexcept {
  waiter(StreamOp::closed) = nullptr;
  if (closed_) {
    return IoResult::failed(Errc::closed);
  }
  below_->forget(StreamOp::closed);
  if (waiter(StreamOp::recv) == nullptr) {
    below_->forget(StreamOp::recv);  // where it waited itself
  }
  const bool flushed = flush_held();
  hidden_ = SSL_pending(session_.get()) > 0;
  // A reader, if there is one, sees the end itself. Without one the next record is looked at.
  if (!recv_end_ && !hidden_ && waiter(StreamOp::recv) == nullptr && !overfull()) {
    below_drained_ = false;
    reads_left_ = kReadsOfAnAttempt;
    std::byte next{};
    ERR_clear_error();
    const int got = SSL_peek(session_.get(), &next, 1);
    hidden_ = got > 0;
    if (got <= 0) {
      read_failed(got);
    }
    more_inside_ |= hidden_ || recv_end_;
  }
  const detail::PackedError orderly(Errc::end_of_stream);
  if (recv_end_ && (recv_end_ != orderly || shut_down_)) {
    return IoResult::failed(recv_end_);
  }
  if (below_write_) {
    return IoResult::failed(below_write_);
  }
  if (const IoResult below = below_->try_closed(); below.blocked == Interest::none) {
    const bool cut = below.error == orderly && !recv_end_;
    return cut ? IoResult::failed(Errc::truncated) : below;
  }
  return IoResult::would_block(flushed ? Interest::readable : Interest::both);
}

std::error_code TlsStream::wait(StreamOp operation, Interest interest, Leaf& leaf) noexcept {
  if (closed_) {
    return Errc::closed;
  }
  waiter(operation) = &leaf;
  std::error_code error;
  if (operation == StreamOp::closed) {
    error = watch_for_closed();
  } else if (operation == StreamOp::recv && more_inside_ && !overfull()) {
    more_inside_ = false;
    leaf.wake();
  } else {
    // closed() may wait in the place of a recv, a flush in that of a send.
    below_->forget(operation);
    error = below_->wait(operation, interest, leaf);
  }
  if (error) {
    waiter(operation) = nullptr;
  }
  return error;
}

/// closed() has to notice the end that the peer announces, so it waits for something to read, in the place
/// of a recv as long as there is none. If what comes next is data, or the end has come, only the stream
/// below can bring news.
std::error_code TlsStream::watch_for_closed() noexcept {
  Leaf* const leaf = waiter(StreamOp::closed);
  if (leaf == nullptr) {
    return {};
  }
  if (hidden_ || recv_end_ || overfull()) {
    return below_->wait(StreamOp::closed, Interest::readable, *leaf);
  }
  if (waiter(StreamOp::recv) != nullptr) {
    return {};
  }
  if (more_inside_) {
    more_inside_ = false;
    leaf->wake();
    return {};
  }
  below_->forget(StreamOp::recv);
  // What the last read waits for, which need not be bytes to read.
  const Interest reading = below_blocked_ == Interest::none ? Interest::readable : below_blocked_;
  return below_->wait(StreamOp::recv, holds() ? Interest::both : reading, *leaf);
}

void TlsStream::wake(StreamOp operation) noexcept {
  if (Leaf* const leaf = waiter(operation); leaf != nullptr) {
    forget(operation);
    leaf->wake();
  }
}

void TlsStream::forget(StreamOp operation) noexcept {
  waiter(operation) = nullptr;
  if (closed_) {
    return;
  }
  below_->forget(operation);  // in any case: an attempt may have come between
  if (operation == StreamOp::recv) {
    if (watch_for_closed()) {
      wake(StreamOp::closed);
    }
  } else if (operation == StreamOp::send) {
    keep_flushing();
  } else if (waiter(StreamOp::recv) == nullptr) {
    below_->forget(StreamOp::recv);
  }
}

void TlsStream::close(CloseMode mode) noexcept {
  if (std::exchange(closed_, true)) {
    return;
  }
  if (handshaking_) {
    held_.clear();  // it may have been cut off in the middle
  } else if (mode == CloseMode::graceful) {
    say_goodbye();
    flush_held();
  }
  for (const StreamOp operation : {StreamOp::recv, StreamOp::send, StreamOp::closed}) {
    below_->forget(operation);
    if (Leaf* const leaf = std::exchange(waiter(operation), nullptr); leaf != nullptr) {
      leaf->wake();
    }
  }
  if (const auto flushing = std::exchange(flushing_, nullptr)) {
    flushing->stream = nullptr;
    if (flushing->leaf != nullptr) {
      flushing->leaf->wake();
    }
  }
  if (mode == CloseMode::graceful && holds() && leave_behind()) {
    return;
  }
  below_->close(mode);
}

/// What is held goes out before the stream below is closed, as with the send buffer of a socket.
bool TlsStream::leave_behind() noexcept {
  try {
    auto see_off = [](std::unique_ptr<Stream> below, std::vector<Chunk> held) -> Coro<> {
      auto send = [&]() -> Coro<> {
        for (const Chunk& chunk : held) {
          if (!co_await below->send(chunk)) {
            co_return;
          }
        }
      };
      co_await move_on_after(kSeeOff, send);
      below->close();
    };
    spawn(see_off, std::move(below_), std::move(held_));
    return true;
  } catch (const std::exception&) {  // no memory, or no loop
    return below_ == nullptr;
  }
}

// --- who is there ------------------------------------------------------------------------------

std::string_view TlsStream::version() const noexcept { return SSL_get_version(session_.get()); }

std::string_view TlsStream::cipher() const noexcept { return SSL_get_cipher_name(session_.get()); }

std::string_view TlsStream::alpn() const noexcept {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(session_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string_view TlsStream::server_name() const noexcept {
  const char* const name = SSL_get_servername(session_.get(), TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? std::string_view(name) : std::string_view();
}

bool TlsStream::resumed() const noexcept { return SSL_session_reused(session_.get()) == 1; }

TlsIdentity TlsStream::peer_identity() const {
  const X509* const certificate = SSL_get0_peer_certificate(session_.get());
  return certificate != nullptr && SSL_get_verify_mode(session_.get()) != SSL_VERIFY_NONE
             ? detail::identity_of(*certificate)
             : TlsIdentity();
}

}  // namespace simul
