// Certificates for tests, made when they are needed, in a folder that goes with them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <simul/tls_context.hpp>

namespace simul::test {

/// What a certificate says.
struct CertificateWish {
  std::string common_name = "example.org";
  std::vector<std::string> names = {"example.org"};
  bool rsa = false;
  long valid_from = -3600;  // seconds from now
  long valid_to = 3600;
};

/// An authority, and what it signs.
class Certificates {
 public:
  Certificates();
  ~Certificates();
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  [[nodiscard]] const std::string& folder() const noexcept { return folder_; }
  [[nodiscard]] std::string ca() const { return folder_ + "/ca.pem"; }
  /// Signs one and writes NAME.pem and NAME.key.
  TlsCertificate make(const std::string& name, const CertificateWish& wish = {});
  /// Writes a file; gives its path.
  std::string write(const std::string& name, const std::string& content) const;

 private:
  struct Free {
    void operator()(X509* certificate) const noexcept { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  };
  using CertificatePointer = std::unique_ptr<X509, Free>;
  using KeyPointer = std::unique_ptr<EVP_PKEY, Free>;

  CertificatePointer sign(EVP_PKEY& key, const CertificateWish& wish, bool authority);

  std::string folder_;
  KeyPointer ca_key_;
  CertificatePointer ca_;
  long serial_ = 1;
};

/// One for all tests.
Certificates& certificates();

}  // namespace simul::test
