#include <simul/tls_error.hpp>

#include <string>

#include <simul/error.hpp>

#include "openssl.hpp"

namespace simul {
namespace {

constexpr int kVerification = 0x4000;  // above the reasons of OpenSSL's SSL library

class Category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "tls"; }
  [[nodiscard]] std::string message(int code) const override {
    if (code >= kVerification) {
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

namespace detail {

std::error_code take_tls_error() noexcept {
  const unsigned long error = ERR_peek_error();
  ERR_clear_error();
  if (ERR_GET_LIB(error) == ERR_LIB_SSL) {
    return {ERR_GET_REASON(error), tls_category()};
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
