// TlsIdentity: who the peer of a TLS connection is, as its certificate says that was verified.
#pragma once

#include <string>
#include <vector>

namespace simul {

/// Empty if it gave no certificate.
struct TlsIdentity {
  std::string subject;             ///< "CN=alice,O=Example" (RFC 2253)
  std::string issuer;              ///< the same of who signed it
  std::vector<std::string> names;  ///< DNS names and addresses of the subjectAltName
  std::string sha256;              ///< fingerprint of the certificate, 64 hex digits
};

}  // namespace simul
