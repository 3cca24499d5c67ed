#include "certificates.hpp"

#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>

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
  const KeyPointer key(wish.rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
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

std::string Certificates::write(const std::string& name, const std::string& content) const {
  std::ofstream(folder_ + "/" + name) << content;
  return folder_ + "/" + name;
}

Certificates& certificates() {
  static Certificates made;
  return made;
}

}  // namespace simul::test
