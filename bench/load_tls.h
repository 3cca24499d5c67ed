// What the load generators of TLS share. One version and one cipher are offered, and a key share for
// X25519, so that no server can be measured with other ones than its peers.
#pragma once

#include <stdbool.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "load.h"

static inline _Noreturn void die_of_tls(const char* what) {
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  die("%s: %s", what, reason != NULL ? reason : "the connection was cut off");
}

static inline SSL_CTX* make_tls_context(int version) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  if (context == NULL || !SSL_CTX_set_min_proto_version(context, version) ||
      !SSL_CTX_set_max_proto_version(context, version) ||
      !SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") ||
      !SSL_CTX_set_cipher_list(context,
                               "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256") ||
      !SSL_CTX_set1_groups_list(context, "X25519:P-256")) {
    die_of_tls("SSL_CTX");
  }
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  return context;
}

static inline SSL* make_tls(SSL_CTX* context, int fd) {
  SSL* ssl = SSL_new(context);
  if (ssl == NULL || !SSL_set_fd(ssl, fd) || !SSL_set_tlsext_host_name(ssl, "localhost")) {
    die_of_tls("SSL_new");
  }
  SSL_set_connect_state(ssl);
  return ssl;
}
