// RawTls: one end of a TLS connection that does what no TlsStream would: OpenSSL over memory, whose bytes a
// test moves itself, or doesn't.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <simul/detail/tls_session.hpp>
#include <simul/stream.hpp>

namespace simul::test {

class RawTls {
 public:
  /// With the session of a context: make_session().
  explicit RawTls(detail::TlsSession session) : session_(std::move(session)) {
    SSL_set_bio(ssl(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  }

  [[nodiscard]] SSL* ssl() const noexcept { return session_.get(); }

  /// What it wants to send.
  std::string take() {
    BIO* const bio = SSL_get_wbio(ssl());
    std::string said(BIO_ctrl_pending(bio), '\0');
    if (!said.empty()) {
      BIO_read(bio, said.data(), static_cast<int>(said.size()));
    }
    return said;
  }
  /// What it is to read.
  void give(std::string_view bytes) {
    BIO_write(SSL_get_rbio(ssl()), bytes.data(), static_cast<int>(bytes.size()));
  }

  /// A step of the handshake; true: it is done.
  bool step() {
    ERR_clear_error();
    return SSL_do_handshake(ssl()) == 1;
  }
  Coro<bool> handshake(Stream& wire) {
    for (;;) {
      const bool done = step();
      const std::string said = take();
      if (!said.empty() && !co_await wire.send(said)) {
        co_return false;
      }
      if (done) {
        co_return true;
      }
      const auto heard = co_await wire.recv();
      if (!heard) {
        co_return false;
      }
      give(heard->text());
    }
  }

  /// The record of a message.
  std::string seal(std::string_view text) {
    ERR_clear_error();
    SSL_write(ssl(), text.data(), static_cast<int>(text.size()));
    return take();
  }
  /// What was in the records that it was given.
  std::string open() {
    std::string text(16'384, '\0');
    ERR_clear_error();
    const int size = SSL_read(ssl(), text.data(), static_cast<int>(text.size()));
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
  }
  /// The record that asks the peer for new keys, and to answer with some of its own.
  std::string update_keys() {
    SSL_key_update(ssl(), SSL_KEY_UPDATE_REQUESTED);
    step();
    return take();
  }

 private:
  detail::TlsSession session_;
};

}  // namespace simul::test
