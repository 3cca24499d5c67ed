#include <simul/tls_certificate.hpp>

#include <algorithm>
#include <ctime>
#include <memory>
#include <string_view>
#include <utility>

#include <openssl/objects.h>
#include <openssl/ocsp.h>

#include "certificate_files.hpp"

namespace simul {
namespace {

using namespace detail;
using OcspResponse = std::unique_ptr<OCSP_RESPONSE, FreeBy<OCSP_RESPONSE_free>>;
using OcspAnswers = std::unique_ptr<OCSP_BASICRESP, FreeBy<OCSP_BASICRESP_free>>;
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

/// By serial number and issuer, whose key isn't asked for: its certificate needn't be there.
bool is_for(OCSP_SINGLERESP* answer, const X509& certificate) {
  ASN1_OCTET_STRING* issuer = nullptr;
  ASN1_OBJECT* digest_name = nullptr;
  ASN1_INTEGER* serial = nullptr;
  OCSP_id_get0_info(&issuer, &digest_name, nullptr, &serial,
                    const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(answer)));
  const EVP_MD* const digest = EVP_get_digestbyobj(digest_name);
  unsigned char own[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  return digest != nullptr && ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(&certificate)) == 0 &&
         X509_NAME_digest(X509_get_issuer_name(&certificate), digest, own, &size) == 1 &&
         std::string_view(reinterpret_cast<const char*>(own), size) ==
             std::string_view(reinterpret_cast<const char*>(ASN1_STRING_get0_data(issuer)),
                              static_cast<std::size_t>(ASN1_STRING_length(issuer)));
}

/// Its signature is for clients to verify, who know the authorities.
void check_ocsp(const std::string& der, const X509& certificate, const std::string& path) {
  const auto* next = reinterpret_cast<const unsigned char*>(der.data());
  const unsigned char* const end = next + der.size();
  const OcspResponse response(d2i_OCSP_RESPONSE(nullptr, &next, static_cast<long>(der.size())));
  if (response == nullptr || next != end) {
    fail(path, "no OCSP response in DER form is in this file");
  }
  if (const int status = OCSP_response_status(response.get());
      status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    fail(path, std::string("the authority gave no OCSP response but an error: ") +
                   OCSP_response_status_str(status));
  }
  const OcspAnswers answers(OCSP_response_get1_basic(response.get()));
  if (answers == nullptr) {
    fail(path, "an OCSP response of an unknown type is in this file");
  }
  for (int i = 0; i < OCSP_resp_count(answers.get()); ++i) {
    OCSP_SINGLERESP* const answer = OCSP_resp_get0(answers.get(), i);
    if (!is_for(answer, certificate)) {
      continue;
    }
    ASN1_GENERALIZEDTIME* made = nullptr;
    ASN1_GENERALIZEDTIME* until = nullptr;
    const int status = OCSP_single_get0_status(answer, nullptr, nullptr, &made, &until);
    if (status != V_OCSP_CERTSTATUS_GOOD) {
      fail(path, std::string("the OCSP response says that the certificate is ") +
                     OCSP_cert_status_str(status));
    }
    if (X509_cmp_current_time(made) > 0) {
      fail(path, "the OCSP response isn't valid yet");
    }
    if (until != nullptr && X509_cmp_current_time(until) <= 0) {
      fail(path, "the OCSP response is out of date: there should have been a newer one");
    }
    return;
  }
  fail(path, "the OCSP response is for another certificate");
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
