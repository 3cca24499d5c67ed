#include "ocsp.hpp"

#include <limits>
#include <memory>
#include <string_view>
#include <utility>

#include <openssl/ocsp.h>

#include "certificate_files.hpp"

namespace simul::detail {
namespace {

using ResponsePointer = std::unique_ptr<OCSP_RESPONSE, FreeBy<OCSP_RESPONSE_free>>;
using AnswersPointer = std::unique_ptr<OCSP_BASICRESP, FreeBy<OCSP_BASICRESP_free>>;

/// Null for what is none.
ResponsePointer parse(const std::string& der) {
  const auto* next = reinterpret_cast<const unsigned char*>(der.data());
  const unsigned char* const end = next + der.size();
  ResponsePointer response(d2i_OCSP_RESPONSE(nullptr, &next, static_cast<long>(der.size())));
  return next == end ? std::move(response) : nullptr;
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

}  // namespace

void check_ocsp(const std::string& der, const X509& certificate, const std::string& path) {
  const ResponsePointer response = parse(der);
  if (response == nullptr) {
    fail(path, "no OCSP response in DER form is in this file");
  }
  if (const int status = OCSP_response_status(response.get());
      status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    fail(path, std::string("the authority gave no OCSP response but an error: ") +
                   OCSP_response_status_str(status));
  }
  const AnswersPointer answers(OCSP_response_get1_basic(response.get()));
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

std::time_t ocsp_end(const std::string& der, const X509& certificate) noexcept {
  std::time_t end = std::numeric_limits<std::time_t>::max();
  const ResponsePointer response = parse(der);
  const AnswersPointer answers(response != nullptr ? OCSP_response_get1_basic(response.get())
                                                   : nullptr);
  for (int i = 0; answers != nullptr && i < OCSP_resp_count(answers.get()); ++i) {
    OCSP_SINGLERESP* const answer = OCSP_resp_get0(answers.get(), i);
    ASN1_GENERALIZEDTIME* until = nullptr;
    std::tm parts{};
    if (is_for(answer, certificate) &&
        OCSP_single_get0_status(answer, nullptr, nullptr, nullptr, &until) >= 0 &&
        until != nullptr && ASN1_TIME_to_tm(until, &parts) == 1) {
      end = ::timegm(&parts);
    }
  }
  ERR_clear_error();
  return end;
}

}  // namespace simul::detail
