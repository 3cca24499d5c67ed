// SlowSignature: a server's handshake stops before it signs with a key that takes long, so that it can go on in
// another thread.
#pragma once

#include <vector>

#include <openssl/evp.h>
#include <openssl/ssl.h>

namespace simul::detail {

/// What is known during a handshake: the app data of its session. Without it nothing stops.
struct SlowSignature {
  bool allowed = false;        // if not, SSL_do_handshake stops with SSL_ERROR_WANT_X509_LOOKUP
  bool chain_matters = false;  // the client says how certificates may be signed

  /// For a server's context with these keys.
  static void watch(SSL_CTX& context, const std::vector<EVP_PKEY*>& keys) noexcept;
};

}  // namespace simul::detail
