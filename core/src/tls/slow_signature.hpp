// A server's handshake stops before it signs with a key that takes long, so that it can go on in another thread:
// SSL_do_handshake gives SSL_ERROR_WANT_X509_LOOKUP until TlsWire::slow_signature() allows it. Sessions that aren't
// over a TlsWire don't stop.
#pragma once

#include <vector>

#include <openssl/evp.h>
#include <openssl/ssl.h>

namespace simul::detail {

/// For a server's context with these keys.
void stop_before_slow_signatures(SSL_CTX& context, const std::vector<EVP_PKEY*>& keys) noexcept;

}  // namespace simul::detail
