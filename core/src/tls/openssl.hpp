// OpenSSL's objects, owned, and what its error queue says.
#pragma once

#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <simul/tls_identity.hpp>

namespace simul::detail {

template <auto kFree>
struct FreeBy {
  template <typename T>
  void operator()(T* object) const noexcept {
    kFree(object);
  }
};

using BioPointer = std::unique_ptr<BIO, FreeBy<BIO_free_all>>;
using ContextPointer = std::unique_ptr<SSL_CTX, FreeBy<SSL_CTX_free>>;
using CertificatePointer = std::unique_ptr<X509, FreeBy<X509_free>>;
using SessionPointer = std::unique_ptr<SSL_SESSION, FreeBy<SSL_SESSION_free>>;
using KeyPointer = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;

/// The words of the oldest error in this thread's queue, which it empties.
inline std::string take_openssl_error() {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  if (error == 0) {
    return "unknown error";
  }
  if (ERR_SYSTEM_ERROR(error)) {
    return std::error_code(ERR_GET_REASON(error), std::system_category()).message();
  }
  const char* const reason = ERR_reason_error_string(error);
  return reason != nullptr ? reason : "error " + std::to_string(error);
}

/// The same as an error code: of tls_category(), std::errc::not_enough_memory, or protocol_error for one of
/// another library's.
[[nodiscard]] std::error_code take_tls_error() noexcept;
/// Why a handshake has failed; names what was wrong with the peer's certificate.
[[nodiscard]] std::error_code handshake_error(const SSL& session) noexcept;

/// DNS names and addresses that a certificate is for.
[[nodiscard]] std::vector<std::string> names_of(const X509& certificate);
[[nodiscard]] TlsIdentity identity_of(const X509& certificate);

}  // namespace simul::detail
