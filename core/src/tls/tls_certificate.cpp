#include <simul/tls_certificate.hpp>

#include <algorithm>
#include <ctime>
#include <utility>

#include <openssl/objects.h>

#include "certificate_files.hpp"
#include "ocsp.hpp"

namespace simul {
namespace {

using namespace detail;
using Time = std::chrono::system_clock::time_point;

Time time_of(const ASN1_TIME* time, const std::string& path) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    fail(path, "the dates of the certificate can't be read");
  }
  // "Never" (RFC 5280, section 4.1.2.5) is in the year 9999, which a time_point doesn't reach.
  using Seconds = std::chrono::seconds;
  return Time(std::clamp(Seconds(::timegm(&parts)),
                         std::chrono::ceil<Seconds>(Time::min().time_since_epoch()),
                         std::chrono::floor<Seconds>(Time::max().time_since_epoch())));
}

std::string describe_key(const EVP_PKEY* key) {
  if (key == nullptr) {
    return "unknown";
  }
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
      return "RSA " + std::to_string(EVP_PKEY_get_bits(key));
    case EVP_PKEY_EC: {
      std::string curve(80, '\0');
      std::size_t size = 0;
      EVP_PKEY_get_group_name(key, curve.data(), curve.size(), &size);
      curve.resize(size);
      const char* const known = EC_curve_nid2nist(OBJ_sn2nid(curve.c_str()));
      return "EC " + (known != nullptr ? known : curve);
    }
    case EVP_PKEY_ED25519:
      return "Ed25519";
    case EVP_PKEY_ED448:
      return "Ed448";
    default:
      return EVP_PKEY_get0_type_name(key);
  }
}

TlsCertificateInfo describe(const X509& certificate, const std::string& path) {
  TlsIdentity who = identity_of(certificate);
  TlsCertificateInfo info = {.subject = std::move(who.subject),
                             .issuer = std::move(who.issuer),
                             .names = std::move(who.names),
                             .not_before = time_of(X509_get0_notBefore(&certificate), path),
                             .not_after = time_of(X509_get0_notAfter(&certificate), path),
                             .key = describe_key(X509_get0_pubkey(&certificate))};
  ERR_clear_error();
  return info;
}

}  // namespace

TlsCertificateInfo inspect(const TlsCertificate& files) {
  const LoadedCertificate loaded = load_certificate(files);
  const X509& certificate = *loaded.chain.front();
  if (!files.ocsp.empty()) {
    check_ocsp(loaded.ocsp, certificate, files.ocsp);
  }
  return describe(certificate, files.certificate);
}

std::vector<TlsCertificateInfo> inspect_authorities(const std::string& path) {
  std::vector<TlsCertificateInfo> all;
  for (const CertificatePointer& authority : read_certificates(path)) {
    all.push_back(describe(*authority, path));
  }
  return all;
}

}  // namespace simul
