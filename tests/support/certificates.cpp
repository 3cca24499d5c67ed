#include "certificates.hpp"

#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace simul::test {
namespace {

void require(bool good, const char* what) {
  if (!good) {
    throw std::runtime_error(std::string("certificates for tests: ") + what);
  }
}

void add_extension(X509& certificate, X509& issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  require(extension != nullptr, value.c_str());
  X509_add_ext(&certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

template <typename Write>
void write_pem(const std::string& path, Write write) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  require(file != nullptr, path.c_str());
  require(write(file) == 1, path.c_str());
  std::fclose(file);
}

}  // namespace

Certificates::Certificates() {
  char path[] = "/tmp/simul-tls-XXXXXX";
  require(::mkdtemp(path) != nullptr, "mkdtemp");
  folder_ = path;
  ca_key_.reset(EVP_EC_gen("P-256"));
  ca_ = sign(*ca_key_, {.common_name = "simul test authority", .names = {}}, true);
  write_pem(ca(), [&](std::FILE* file) { return PEM_write_X509(file, ca_.get()); });
}

Certificates::~Certificates() { std::filesystem::remove_all(folder_); }

Certificates::CertificatePointer Certificates::sign(EVP_PKEY& key, const CertificateWish& wish,
                                                    bool authority) {
  CertificatePointer certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial_++);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), wish.valid_from);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), wish.valid_to);
  X509_set_pubkey(certificate.get(), &key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(wish.common_name.c_str()), -1,
                             -1, 0);
  X509& issuer = authority ? *certificate : *ca_;
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(&issuer));
  if (authority) {
    add_extension(*certificate, issuer, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(*certificate, issuer, NID_key_usage, "critical,keyCertSign");
  } else {
    std::string names;
    for (const std::string& name : wish.names) {
      const bool address = name.find_first_not_of("0123456789.") == std::string::npos;
      names += (names.empty() ? "" : ",") + std::string(address ? "IP:" : "DNS:") + name;
    }
    if (!names.empty()) {
      add_extension(*certificate, issuer, NID_subject_alt_name, names);
    }
  }
  require(X509_sign(certificate.get(), ca_key_.get(), EVP_sha256()) > 0, "X509_sign");
  return certificate;
}

TlsCertificate Certificates::make(const std::string& name, const CertificateWish& wish) {
  const KeyPointer key(wish.key == "RSA"  ? EVP_RSA_gen(2048)
                       : wish.key == "EC" ? EVP_EC_gen("P-256")
                       : wish.key == "P-384"
                           ? EVP_EC_gen("P-384")
                           : EVP_PKEY_Q_keygen(nullptr, nullptr, wish.key.c_str()));
  require(key != nullptr, "a key");
  const CertificatePointer certificate = sign(*key, wish, false);
  TlsCertificate paths = {.certificate = folder_ + "/" + name + ".pem",
                          .key = folder_ + "/" + name + ".key"};
  write_pem(paths.certificate,
            [&](std::FILE* file) { return PEM_write_X509(file, certificate.get()); });
  write_pem(paths.key, [&](std::FILE* file) {
    return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  return paths;
}

std::string Certificates::make_ocsp(const std::string& name, const std::string& certificate,
                                    const OcspWish& wish) const {
  std::FILE* const file = std::fopen(certificate.c_str(), "r");
  require(file != nullptr, certificate.c_str());
  const CertificatePointer subject(PEM_read_X509(file, nullptr, nullptr, nullptr));
  std::fclose(file);
  const auto time = [](long from_now) {
    return std::unique_ptr<ASN1_TIME, Free>(X509_gmtime_adj(nullptr, from_now));
  };
  const auto from = time(wish.from);
  const auto until = time(wish.until);
  const std::unique_ptr<OCSP_BASICRESP, Free> answers(OCSP_BASICRESP_new());
  const std::unique_ptr<OCSP_CERTID, Free> id(OCSP_cert_to_id(nullptr, subject.get(), ca_.get()));
  const bool revoked = wish.certificate == V_OCSP_CERTSTATUS_REVOKED;
  require(
      OCSP_basic_add1_status(answers.get(), id.get(), wish.certificate, 0,
                             revoked ? from.get() : nullptr, from.get(), until.get()) != nullptr,
      "OCSP_basic_add1_status");
  require(OCSP_basic_sign(answers.get(), ca_.get(), ca_key_.get(), EVP_sha256(), nullptr, 0) == 1,
          "OCSP_basic_sign");
  const std::unique_ptr<OCSP_RESPONSE, Free> response(
      OCSP_response_create(wish.response, answers.get()));
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_RESPONSE(response.get(), &der);
  require(size > 0, "i2d_OCSP_RESPONSE");
  std::string path = write(name + ".ocsp", std::string(reinterpret_cast<const char*>(der),
                                                       static_cast<std::size_t>(size)));
  OPENSSL_free(der);
  return path;
}

std::string Certificates::make_encrypted_key(const std::string& name) const {
  const KeyPointer key(EVP_EC_gen("P-256"));
  const std::string password = "secret";
  std::string path = folder_ + "/" + name + ".key";
  write_pem(path, [&](std::FILE* file) {
    return PEM_write_PrivateKey(file, key.get(), EVP_aes_256_cbc(),
                                reinterpret_cast<const unsigned char*>(password.data()),
                                static_cast<int>(password.size()), nullptr, nullptr);
  });
  return path;
}

std::string Certificates::write(const std::string& name, const std::string& content) const {
  std::ofstream(folder_ + "/" + name) << content;
  return folder_ + "/" + name;
}

Certificates& certificates() {
  static Certificates made;
  return made;
}

}  // namespace simul::test
