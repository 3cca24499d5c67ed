// Certificates for tests, made when they are needed, in a folder that goes with them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>

#include <simul/tls_certificate.hpp>

namespace simul::test {

/// What a certificate says.
struct CertificateWish {
  std::string common_name = "example.org";
  std::vector<std::string> names = {"example.org"};
  std::string key = "EC";   // on P-256; or "P-384", "RSA", "ED25519", "ED448"
  long valid_from = -3600;  // seconds from now
  long valid_to = 3600;
};

/// What the authority answers when it is asked whether a certificate is good.
struct OcspWish {
  int response = 0;     // OCSP_RESPONSE_STATUS_...
  int certificate = 0;  // V_OCSP_CERTSTATUS_...
  long from = -3600;    // seconds from now
  long until = 3600;
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
  /// Writes NAME.ocsp, about the certificate in that file; gives its path.
  [[nodiscard]] std::string make_ocsp(const std::string& name, const std::string& certificate,
                                      const OcspWish& wish = {}) const;
  /// Writes NAME.key, a key that wants a password; gives its path.
  [[nodiscard]] std::string make_encrypted_key(const std::string& name) const;
  /// Writes a file; gives its path.
  std::string write(const std::string& name, const std::string& content) const;

 private:
  struct Free {
    void operator()(X509* certificate) const noexcept { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
    void operator()(ASN1_TIME* time) const noexcept { ASN1_TIME_free(time); }
    void operator()(OCSP_BASICRESP* answers) const noexcept { OCSP_BASICRESP_free(answers); }
    void operator()(OCSP_CERTID* id) const noexcept { OCSP_CERTID_free(id); }
    void operator()(OCSP_RESPONSE* response) const noexcept { OCSP_RESPONSE_free(response); }
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
