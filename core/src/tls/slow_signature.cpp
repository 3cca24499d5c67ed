#include "slow_signature.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "stream_bio.hpp"

namespace simul::detail {
namespace {

bool is_p256(const EVP_PKEY* key) noexcept {
  std::array<char, 32> curve{};
  std::size_t size = 0;
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
         EVP_PKEY_get_group_name(key, curve.data(), curve.size(), &size) == 1 &&
         OBJ_sn2nid(curve.data()) == NID_X9_62_prime256v1;
}
bool is_fast(const EVP_PKEY* key) noexcept {
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 || is_p256(key);
}
bool is_fast_or_rsa(const EVP_PKEY* key) noexcept {
  return is_fast(key) || EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
}

SlowSignature* of(const SSL* session) noexcept {
  TlsWire* const wire = find_wire(SSL_get_rbio(session));
  return wire != nullptr ? &wire->slow_signature() : nullptr;
}

int on_client_hello(SSL* session, int*, void*) noexcept {
  if (SlowSignature* const self = of(session)) {
    const unsigned char* bytes = nullptr;
    std::size_t size = 0;
    self->chain_matters = SSL_client_hello_get0_ext(session, TLSEXT_TYPE_signature_algorithms_cert,
                                                    &bytes, &size) == 1;
  }
  return SSL_CLIENT_HELLO_SUCCESS;
}

/// Comes before every signature, and not in handshakes that resume: they have none.
int on_signature(SSL* session, void*) noexcept {
  const SlowSignature* const self = of(session);
  return self == nullptr || self->allowed ? 1 : -1;
}

/// Of a P-256 and an RSA key the former is taken if the client knows it. (TLS 1.2 asks for its cipher, too, and
/// for what the chain is signed with; that isn't foretold here.)
bool takes_p256(SSL* session) noexcept {
  if (SSL_version(session) != TLS1_3_VERSION || of(session) == nullptr ||
      of(session)->chain_matters) {
    return false;
  }
  unsigned char signature = 0;
  unsigned char hash = 0;
  const int count = SSL_get_sigalgs(session, -1, nullptr, nullptr, nullptr, nullptr, nullptr);
  for (int i = 0; i < count; ++i) {
    SSL_get_sigalgs(session, i, nullptr, nullptr, nullptr, &signature, &hash);
    if (hash == TLSEXT_hash_sha256 && signature == TLSEXT_signature_ecdsa) {
      return true;
    }
  }
  return false;
}

int on_signature_of_either(SSL* session, void* unused) noexcept {
  return takes_p256(session) ? 1 : on_signature(session, unused);
}

}  // namespace

void stop_before_slow_signatures(SSL_CTX& context, const std::vector<EVP_PKEY*>& keys) noexcept {
  SSL_CTX_set_client_hello_cb(&context, on_client_hello, nullptr);
  if (!std::ranges::all_of(keys, is_fast)) {
    const bool either =
        std::ranges::any_of(keys, is_p256) && std::ranges::all_of(keys, is_fast_or_rsa);
    SSL_CTX_set_cert_cb(&context, either ? on_signature_of_either : on_signature, nullptr);
  }
}

}  // namespace simul::detail
