#include "context_parts.hpp"

#include <new>

#include <simul/tls_error.hpp>

namespace simul::detail {
namespace {

constexpr const char* kCiphers =  // of TLS 1.2; the three of TLS 1.3 are all right as they are
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kGroups = "X25519:P-256:P-384";

}  // namespace

void TlsSessionDeleter::operator()(ssl_st* session) const noexcept { SSL_free(session); }

ContextPointer make_context(const SSL_METHOD* method, TlsVersion minimum) {
  ContextPointer context(SSL_CTX_new(method));
  if (context == nullptr) {
    throw std::bad_alloc();
  }
  SSL_CTX_set_min_proto_version(context.get(),
                                minimum == TlsVersion::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context.get(), kCiphers);
  SSL_CTX_set1_groups_list(context.get(), kGroups);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE |
                                         SSL_OP_PRIORITIZE_CHACHA);
  // An idle connection keeps no buffers; one read of the stream below may bring many records.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context.get(), 1);
  return context;
}

void use(SSL_CTX& context, const LoadedCertificate& loaded, const std::string& path) {
  if (SSL_CTX_use_certificate(&context, loaded.chain.front().get()) != 1 ||
      SSL_CTX_use_PrivateKey(&context, loaded.key.get()) != 1) {
    fail(path, take_openssl_error());
  }
  for (std::size_t i = 1; i < loaded.chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(&context, loaded.chain[i].get()) != 1) {
      fail(path, take_openssl_error());
    }
  }
}

std::string wire_format(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const std::string& protocol : protocols) {
    if (protocol.empty() || protocol.size() > 255) {
      throw TlsError("ALPN: a protocol's name has 1 to 255 bytes");
    }
    wire += static_cast<char>(protocol.size());
    wire += protocol;
  }
  return wire;
}

TlsSession new_session(SSL_CTX& context) {
  TlsSession session(SSL_new(&context));
  if (session == nullptr) {
    throw std::bad_alloc();
  }
  return session;
}

}  // namespace simul::detail
