// TlsStream: TLS over any other stream.
//
//   auto peer = co_await accept_tls(std::move(socket), server_context);     // expected<unique_ptr<TlsStream>, error_code>
//   auto peer = co_await connect_tls(std::move(socket), client_context, "example.org");
//
// It has the contract of every Stream: recv, send, half-close, closed. TLS's own end (close_notify) is its
// end of stream; a connection that ends without it gives Errc::truncated (RFC 8446, section 6.1).
#pragma once

#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <simul/coro.hpp>
#include <simul/detail/tls_session.hpp>
#include <simul/detail/tls_wire.hpp>
#include <simul/error.hpp>
#include <simul/export.hpp>
#include <simul/stream.hpp>
#include <simul/tls_client_context.hpp>
#include <simul/tls_identity.hpp>
#include <simul/tls_server_context.hpp>

namespace simul {

class TlsStream;

/// The server's side of a handshake. `context` must not be null. Errors: those of the stream below,
/// Errc::truncated, and of tls_category() what was wrong; the peer is told (an alert) as far as TLS has words
/// for it, and the stream below is closed. A deadline is the caller's: fail_after().
/// Cancel safety: a cancelled handshake closes the stream below.
SIMUL_EXPORT Coro<std::expected<std::unique_ptr<TlsStream>, std::error_code>> accept_tls(
    std::unique_ptr<Stream> below, std::shared_ptr<const TlsServerContext> context);
/// The client's side, to `host`, a name or an address: its certificate has to be for that. Throws TlsError
/// for what can't be one.
SIMUL_EXPORT Coro<std::expected<std::unique_ptr<TlsStream>, std::error_code>> connect_tls(
    std::unique_ptr<Stream> below, std::shared_ptr<const TlsClientContext> context,
    std::string host);

class SIMUL_EXPORT TlsStream final : public Stream {
 public:
  ~TlsStream() override;

  /// "TLSv1.3".
  [[nodiscard]] std::string_view version() const noexcept;
  /// "TLS_AES_128_GCM_SHA256".
  [[nodiscard]] std::string_view cipher() const noexcept;
  /// The protocol that ALPN chose; empty if none.
  [[nodiscard]] std::string_view alpn() const noexcept;
  /// The name that the client asked for (SNI); empty if it named none.
  [[nodiscard]] std::string_view server_name() const noexcept;
  /// Was an earlier session taken up again?
  [[nodiscard]] bool resumed() const noexcept;
  /// Empty if it gave no certificate, or wasn't verified.
  [[nodiscard]] TlsIdentity peer_identity() const;
  IoResult try_recv(MutableBytes buffer) noexcept override;
  IoResult try_send(Bytes first, std::span<const Bytes> rest) noexcept override;
  IoResult try_flush() noexcept override;
  std::error_code try_shutdown() noexcept override;
  IoResult try_closed() noexcept override;
  std::error_code wait(StreamOp operation, Interest interest, Leaf& leaf) noexcept override;
  void forget(StreamOp operation) noexcept override;
  [[nodiscard]] int native_handle() const noexcept override;
  void close(CloseMode mode = CloseMode::graceful) noexcept override;

 private:
  friend Coro<std::expected<std::unique_ptr<TlsStream>, std::error_code>> accept_tls(
      std::unique_ptr<Stream> below, std::shared_ptr<const TlsServerContext> context);
  friend Coro<std::expected<std::unique_ptr<TlsStream>, std::error_code>> connect_tls(
      std::unique_ptr<Stream> below, std::shared_ptr<const TlsClientContext> context,
      std::string host);

  /// Takes over the session, an OpenSSL SSL.
  TlsStream(std::unique_ptr<Stream> below, detail::TlsSession session,
            std::shared_ptr<const void> context);
  Coro<std::error_code> handshake();

  [[nodiscard]] bool wants_read() const noexcept;
  IoResult read_failed() noexcept;
  void end_reading() noexcept;
  [[nodiscard]] detail::PackedError send_error() const noexcept;
  void say_goodbye() noexcept;
  std::error_code watch_for_closed() noexcept;
  void wake(StreamOp operation) noexcept;

  detail::PackedError recv_end_;  // what reading ended with
  bool broken_ = false;           // the session can't go on
  bool shut_down_ = false;        // own direction
  bool hidden_ = false;           // data stands between closed() and the end
  bool closed_ = false;
  bool tired_ = false;                // a receive was dear, so the next one is for another turn
  bool send_waits_for_read_ = false;  // for the rest of a message about the session
  detail::TlsWire wire_;
  std::shared_ptr<const void> context_;  // the session calls it
  detail::TlsSession session_;
};

}  // namespace simul
