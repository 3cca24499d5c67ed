// TlsCertificate: the files of a certificate. inspect() says what is in them, or what is wrong with them,
// before anything is served.
//
//   const TlsCertificateInfo info = inspect({.certificate = "site.pem", .key = "site.key"});
//   if (info.not_after < std::chrono::system_clock::now() + 72h) {
//     warn(info.subject + " expires soon");
//   }
//
// Whether clients will believe it is for them to say: no chain is verified here, and an expired
// certificate is no error.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <simul/export.hpp>

namespace simul {

/// Paths of PEM files.
struct TlsCertificate {
  std::string certificate;  ///< the server's own first, then those that lead to the root
  std::string key;          ///< empty: it stands in the same file
  std::string ocsp{};       ///< a response to staple (DER); empty: none
  std::vector<std::string>
      names{};  ///< that it is for, "*.example.org" too; empty: those it contains
};

/// What a certificate says.
struct TlsCertificateInfo {
  std::string subject;             ///< "CN=example.org,O=Example" (RFC 2253)
  std::string issuer;              ///< the same of who signed it
  std::vector<std::string> names;  ///< DNS names and addresses of the subjectAltName
  std::chrono::system_clock::time_point not_before;
  std::chrono::system_clock::time_point not_after;
  std::string key;  ///< "RSA 2048", "EC P-256", "Ed25519"
};

/// Of the server's own certificate, the first in its file. Throws TlsError, with the file to blame: it
/// can't be read, it isn't PEM, the key is encrypted or belongs to another certificate; the OCSP response
/// is none, is for another certificate, says that this one isn't good, or is out of date.
/// Thread: any; blocks.
[[nodiscard]] SIMUL_EXPORT TlsCertificateInfo inspect(const TlsCertificate& files);
/// Of all certificates in a PEM file (client_ca). Throws TlsError. Thread: any; blocks.
[[nodiscard]] SIMUL_EXPORT std::vector<TlsCertificateInfo> inspect_authorities(
    const std::string& path);

}  // namespace simul
