#include <simul/tls_stream.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <utility>

#include <simul/error.hpp>
#include <simul/to_thread.hpp>

#include "openssl.hpp"
#include "stream_bio.hpp"

namespace simul {
namespace {

constexpr std::size_t kRecord = SSL3_RT_MAX_PLAIN_LENGTH;

// It is there for every idle connection.
static_assert(sizeof(TlsStream) <= 17 * sizeof(void*));

int as_int(std::size_t size) noexcept {
  return static_cast<int>(std::min<std::size_t>(size, INT32_MAX));
}

/// Counts the peer's messages about the session, which OpenSSL answers without returning. It calls this for
/// its handshakes and such messages, never for data.
void on_state(const SSL* session, int where, int) noexcept {
  const OSSL_HANDSHAKE_STATE state = SSL_get_state(session);
  if ((where & SSL_CB_LOOP) != 0 &&
      (state == TLS_ST_SR_KEY_UPDATE || state == TLS_ST_CR_KEY_UPDATE ||
       state == TLS_ST_CR_SESSION_TICKET) &&
      !detail::wire_of(SSL_get_rbio(session)).allow_message()) {
    // The only way to make it stop before it has read all that it holds.
    SSL_set_shutdown(const_cast<SSL*>(session), SSL_get_shutdown(session) | SSL_RECEIVED_SHUTDOWN);
  }
}

}  // namespace

// --- the life of a session ---------------------------------------------------------------------

TlsStream::TlsStream(std::unique_ptr<Stream> below, detail::TlsSession session,
                     std::shared_ptr<const void> context)
    : wire_(std::move(below)), context_(std::move(context)), session_(std::move(session)) {
  BIO* const bio = detail::make_bio(wire_).release();
  SSL_set_bio(session_.get(), bio, bio);
  SSL_set_info_callback(session_.get(), on_state);
}

TlsStream::~TlsStream() { close(); }

/// Gives nothing once it is done. What OpenSSL had to say last (an alert) is sent in any case.
Coro<std::error_code> TlsStream::handshake() {
  for (bool hears = SSL_is_server(session_.get()) == 1;; hears = true) {
    if (hears) {
      if (const std::error_code error = co_await wire_.exchange()) {
        co_return error;
      }
    }
    int result = 0;
    int wants = SSL_ERROR_NONE;
    std::error_code failure;
    auto step = [&] {
      ERR_clear_error();
      result = SSL_do_handshake(session_.get());
      wants = result == 1 ? SSL_ERROR_NONE : SSL_get_error(session_.get(), result);
      if (result != 1 && wants != SSL_ERROR_WANT_READ && wants != SSL_ERROR_WANT_X509_LOOKUP) {
        failure = detail::handshake_error(*session_.get());
      }
    };
    step();
    if (wants == SSL_ERROR_WANT_X509_LOOKUP) {
      wire_.slow_signature().allowed = true;
      co_await to_thread(step);  // it uses this frame, so a cancellation waits for it
      wire_.slow_signature().allowed = false;
    }
    if (failure || result == 1) {  // what it said last (Finished, tickets, an alert) is seen off
      broken_ = static_cast<bool>(failure);
      wire_.end_handshake();
      co_return failure;
    }
  }
}

Coro<std::expected<std::unique_ptr<TlsStream>, std::error_code>> accept_tls(
    std::unique_ptr<Stream> below, std::shared_ptr<const TlsServerContext> context) {
  {  // A session is large: it isn't made for a client that says nothing.
    auto first = co_await below->recv();
    if (!first) {
      below->close(Stream::CloseMode::graceful);
      co_return std::unexpected(
          first.error() == Errc::end_of_stream ? make_error_code(Errc::truncated) : first.error());
    }
    below->unread(std::move(*first));
  }
  std::unique_ptr<TlsStream> stream(
      new TlsStream(std::move(below), context->make_session(), context));
  if (const std::error_code error = co_await stream->handshake()) {
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
  if (const std::error_code error = co_await stream->handshake()) {
    stream->close(Stream::CloseMode::graceful);
    co_return std::unexpected(error);
  }
  co_return std::move(stream);
}

// --- what a stream does ------------------------------------------------------------------------

IoResult TlsStream::try_recv(MutableBytes buffer) noexcept {
  wire_.waiter(StreamOp::recv) = nullptr;
  if (closed_) {
    return IoResult::failed(Errc::closed);
  }
  if (wire_.holds()) [[unlikely]] {
    wire_.below().forget(StreamOp::recv);  // an attempt must not wake the one for whom it is made
  }
  const bool flushed = wire_.flush();
  if (recv_end_) {
    return IoResult::failed(recv_end_);
  }
  if (!flushed && wire_.overfull()) {
    return IoResult::would_block(wire_.held_blocked());
  }
  if (std::exchange(tired_, false)) [[unlikely]] {
    wire_.set_more(true);
    return IoResult::would_block(Interest::readable);
  }
  wire_.allow_reads();
  const int got = SSL_read(session_.get(), buffer.data(), as_int(buffer.size()));
  if (got > 0) [[likely]] {
    tired_ = wire_.messages() != 0;
    wire_.note_data();
    wire_.set_more(SSL_has_pending(session_.get()) != 0);
    if (wire_.waiter(StreamOp::closed) != nullptr) [[unlikely]] {
      if (hidden_ || wire_.more()) {
        wake(StreamOp::closed);  // it can look further now
      } else if (watch_for_closed()) {
        wake(StreamOp::closed);
      }
    }
    if (send_waits_for_read_) [[unlikely]] {
      wake(StreamOp::send);  // what it waits for may have come with this
    }
    return IoResult::moved(static_cast<std::size_t>(got),
                           wire_.drained() && !wire_.holds() && !wire_.more());
  }
  return read_failed();
}

/// OpenSSL has given nothing because it has to wait. SSL_get_error() says the same only if the thread's queue
/// of errors was empty, and to empty it before each call is dear: it is done after those that gave nothing.
bool TlsStream::wants_read() const noexcept {
  return SSL_want_read(session_.get()) && BIO_should_read(SSL_get_rbio(session_.get()));
}

/// SSL_read or SSL_peek has given nothing: does it have to wait, or is that the end?
IoResult TlsStream::read_failed() noexcept {
  if (wants_read() && !wire_.flooded()) {
    if (send_waits_for_read_ && !SSL_in_init(session_.get())) {
      wake(StreamOp::send);
    }
    ERR_clear_error();  // somebody else's
    return IoResult::would_block(wire_.read_waits_for());
  }
  end_reading();
  wake(StreamOp::closed);
  return IoResult::failed(recv_end_);
}

/// Nothing more can be read; why?
void TlsStream::end_reading() noexcept {
  // Or the session has failed.
  const bool in_a_message = SSL_in_init(session_.get()) != 0 || wire_.flooded();
  if (wire_.read_error()) {
    recv_end_ = wire_.read_error() == detail::PackedError(Errc::end_of_stream)
                    ? detail::PackedError(Errc::truncated)
                    : wire_.read_error();
  } else if (!in_a_message && (SSL_get_shutdown(session_.get()) & SSL_RECEIVED_SHUTDOWN) != 0) {
    recv_end_ = Errc::end_of_stream;
  } else {
    recv_end_ = detail::PackedError(detail::take_tls_error());
  }
  ERR_clear_error();
  if (in_a_message) {
    broken_ = true;
    wake(StreamOp::send);
  }
}

IoResult TlsStream::try_send(Bytes first, std::span<const Bytes> rest) noexcept {
  wire_.waiter(StreamOp::send) = nullptr;
  send_waits_for_read_ = false;
  if (closed_) {
    return IoResult::failed(Errc::closed);
  }
  if (shut_down_) {
    return IoResult::failed(detail::PackedError::system(EPIPE));
  }
  if (!wire_.flush()) {
    return IoResult::would_block(wire_.held_blocked());
  }
  if (wire_.write_error() || broken_) {
    return IoResult::failed(send_error());
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
  wire_.allow_reads();
  const int sent = SSL_write(session_.get(), plain.data(), as_int(std::min(plain.size(), kRecord)));
  if (wire_.has_read())
      [[unlikely]] {  // the rest of a message about the session, and what came with it
    wire_.set_more(wire_.more() || (sent > 0 && SSL_has_pending(session_.get()) != 0));
    wake(StreamOp::closed);
    wake(StreamOp::recv);
  }
  if (sent <= 0 || wire_.flooded()) {
    if (!recv_end_ && !wire_.flooded() && wants_read()) {
      send_waits_for_read_ = true;
      return IoResult::would_block(wire_.read_waits_for());
    }
    if (!recv_end_) {
      end_reading();
    }
    broken_ = true;
    ERR_clear_error();
    return IoResult::failed(send_error());
  }
  wire_.note_data();
  if (wire_.write_error()) {
    return IoResult::failed(wire_.write_error());
  }
  IoResult result = IoResult::moved(static_cast<std::size_t>(sent));
  result.unflushed = wire_.holds();
  return result;
}

/// Of a session that can't go on.
detail::PackedError TlsStream::send_error() const noexcept {
  if (wire_.write_error()) {
    return wire_.write_error();
  }
  const bool ended = recv_end_ == detail::PackedError(Errc::end_of_stream);
  return ended ? detail::PackedError::system(EPIPE) : recv_end_;
}

IoResult TlsStream::try_flush() noexcept {
  wire_.waiter(StreamOp::send) = nullptr;
  if (closed_) {
    return IoResult::failed(Errc::closed);
  }
  if (!wire_.flush()) {
    return IoResult::would_block(wire_.held_blocked());
  }
  return wire_.write_error() ? IoResult::failed(wire_.write_error()) : IoResult();
}

/// Once; a session that can't go on says nothing more.
void TlsStream::say_goodbye() noexcept {
  if (!std::exchange(shut_down_, true) && !broken_ && !wire_.handshaking()) {
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
  wire_.keep_flushing();
  return {};
}

IoResult TlsStream::try_closed() noexcept {
  wire_.waiter(StreamOp::closed) = nullptr;
  if (closed_) {
    return IoResult::failed(Errc::closed);
  }
  wire_.below().forget(StreamOp::closed);
  if (wire_.waiter(StreamOp::recv) == nullptr) {
    wire_.below().forget(StreamOp::recv);  // where it waited itself
  }
  wire_.flush();
  hidden_ = SSL_pending(session_.get()) > 0;
  // A reader, if there is one, sees the end itself. Without one the next record is looked at.
  if (!recv_end_ && !hidden_ && wire_.waiter(StreamOp::recv) == nullptr && !wire_.overfull()) {
    wire_.allow_reads();
    std::byte next{};
    const int got = SSL_peek(session_.get(), &next, 1);
    hidden_ = got > 0;
    if (got <= 0) {
      read_failed();
    }
    wire_.set_more(wire_.more() || hidden_ || recv_end_);
  }
  const detail::PackedError orderly(Errc::end_of_stream);
  if (recv_end_ && (recv_end_ != orderly || shut_down_)) {
    return IoResult::failed(recv_end_);
  }
  if (wire_.write_error()) {
    return IoResult::failed(wire_.write_error());
  }
  if (const IoResult below = wire_.below().try_closed(); below.blocked == Interest::none) {
    const bool cut = below.error == orderly && !recv_end_;
    return cut ? IoResult::failed(Errc::truncated) : below;
  }
  return IoResult::would_block(wire_.read_waits_for());
}

std::error_code TlsStream::wait(StreamOp operation, Interest interest, Leaf& leaf) noexcept {
  if (closed_) {
    return Errc::closed;
  }
  wire_.waiter(operation) = &leaf;
  std::error_code error;
  if (operation == StreamOp::closed) {
    error = watch_for_closed();
  } else if (operation == StreamOp::recv && wire_.more() && !wire_.overfull()) {
    wire_.set_more(false);
    leaf.wake();
  } else if (send_waits_for_read_ && operation == StreamOp::send && wire_.more()) {
    leaf.wake();
  } else {
    // closed() may wait in the place of a recv, a flush in that of a send.
    wire_.below().forget(operation);
    error = wire_.below().wait(operation, interest, leaf);
  }
  if (error) {
    wire_.waiter(operation) = nullptr;
  }
  return error;
}

/// closed() has to notice the end that the peer announces, so it waits for something to read, in the place
/// of a recv as long as there is none. If what comes next is data, or the end has come, only the stream
/// below can bring news.
std::error_code TlsStream::watch_for_closed() noexcept {
  Leaf* const leaf = wire_.waiter(StreamOp::closed);
  if (leaf == nullptr) {
    return {};
  }
  if (hidden_ || recv_end_ || wire_.overfull()) {
    return wire_.below().wait(StreamOp::closed, Interest::readable, *leaf);
  }
  if (wire_.waiter(StreamOp::recv) != nullptr) {
    return {};
  }
  if (wire_.more()) {
    wire_.set_more(false);
    leaf->wake();
    return {};
  }
  wire_.below().forget(StreamOp::recv);
  return wire_.below().wait(StreamOp::recv, wire_.read_waits_for(), *leaf);
}

void TlsStream::wake(StreamOp operation) noexcept {
  if (Leaf* const leaf = wire_.waiter(operation); leaf != nullptr) {
    forget(operation);
    leaf->wake();
  }
}

void TlsStream::forget(StreamOp operation) noexcept {
  wire_.waiter(operation) = nullptr;
  if (closed_) {
    return;
  }
  wire_.below().forget(operation);  // in any case: an attempt may have come between
  if (operation == StreamOp::recv) {
    if (watch_for_closed()) {
      wake(StreamOp::closed);
    }
  } else if (operation == StreamOp::send) {
    wire_.keep_flushing();
  } else if (wire_.waiter(StreamOp::recv) == nullptr) {
    wire_.below().forget(StreamOp::recv);
  }
}

int TlsStream::native_handle() const noexcept { return wire_.below().native_handle(); }

void TlsStream::close(CloseMode mode) noexcept {
  if (std::exchange(closed_, true)) {
    return;
  }
  if (mode == CloseMode::graceful) {
    say_goodbye();
  }
  wire_.close(mode);
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
