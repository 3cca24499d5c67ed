// Certificates and keys as they stand in PEM files. Whatever is wrong with one throws TlsError with its path.
#pragma once

#include <ctime>
#include <string>
#include <vector>

#include <simul/tls_certificate.hpp>

#include "openssl.hpp"

namespace simul::detail {

/// Throws TlsError; forgets what OpenSSL has to say.
[[noreturn]] void fail(const std::string& path, const std::string& why);

[[nodiscard]] std::string read_file(const std::string& path);
[[nodiscard]] std::vector<CertificatePointer> read_certificates(const std::string& path);
/// Those in the content of the file `path`.
[[nodiscard]] std::vector<CertificatePointer> parse_certificates(const std::string& content,
                                                                 const std::string& path);

/// A certificate as it was read.
struct LoadedCertificate {
  std::vector<CertificatePointer> chain;  // never empty
  KeyPointer key;
  std::string ocsp;
  std::time_t ocsp_end = 0;        // from then on it isn't stapled
  std::vector<std::string> names;  // in small letters
};

[[nodiscard]] LoadedCertificate load_certificate(const TlsCertificate& from);

/// For comparing names of hosts: small letters, ASCII only.
[[nodiscard]] std::string lower(std::string name);

}  // namespace simul::detail
