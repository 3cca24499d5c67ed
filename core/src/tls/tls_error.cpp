#include <simul/tls_error.hpp>

#include <string>

#include <simul/error.hpp>

#include "openssl.hpp"

namespace simul {
namespace {

constexpr int kVerification = 0x4000;  // above the reasons of OpenSSL's SSL library
constexpr int kCommon =
    ERR_RFLAG_COMMON;  // above those of verification: what all its libraries say

bool is_verification(int code) noexcept { return code >= kVerification && code < kCommon; }

class Category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "tls"; }
  [[nodiscard]] std::string message(int code) const override {
    if (is_verification(code)) {
      return X509_verify_cert_error_string(code - kVerification);
    }
    const char* const reason = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, code));
    return reason != nullptr ? reason : "TLS error " + std::to_string(code);
  }
};

}  // namespace

TlsError::TlsError(const std::string& file, const std::string& why)
    : std::runtime_error(file.empty() ? why : file + ": " + why), file_(file), why_(why) {}
TlsError::~TlsError() = default;

const std::error_category& tls_category() noexcept {
  static const Category category;
  return category;
}

bool is_certificate_error(const std::error_code& error) noexcept {
  return error.category() == tls_category() &&
         (is_verification(error.value()) ||
          error.value() == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE);
}

namespace detail {

std::error_code take_tls_error() noexcept {
  const unsigned long error = ERR_peek_error();
  ERR_clear_error();
  const int reason = ERR_GET_REASON(error);
  if (reason == ERR_R_MALLOC_FAILURE) {
    return std::make_error_code(std::errc::not_enough_memory);
  }
  if (ERR_GET_LIB(error) == ERR_LIB_SSL || ERR_COMMON_ERROR(error)) {
    return {reason, tls_category()};
  }
  return std::make_error_code(std::errc::protocol_error);
}

std::error_code handshake_error(const SSL& session) noexcept {
  const std::error_code error = take_tls_error();
  if (error.category() == tls_category() && error.value() == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    return {kVerification + static_cast<int>(SSL_get_verify_result(&session)), tls_category()};
  }
  return error;
}

}  // namespace detail
}  // namespace simul
