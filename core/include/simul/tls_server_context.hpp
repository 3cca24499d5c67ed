// TlsServerContext: what all TLS connections of a listener have in common: certificates, trust, versions.
// Immutable once loaded, so all loops share one; to change something load another and give that to the
// connections that come.
//
//   auto context = TlsServerContext::load({.certificates = {{.certificate = "example.pem", .key = "example.key"}}});
//
// TLS 1.2 and 1.3 only, with forward secrecy and authenticated encryption; no renegotiation, no compression,
// no early data.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <simul/detail/tls_session.hpp>
#include <simul/export.hpp>
#include <simul/tls_certificate.hpp>
#include <simul/tls_error.hpp>
#include <simul/tls_ticket_keys.hpp>
#include <simul/tls_version.hpp>

namespace simul {

enum class ClientCertificate : std::uint8_t { none, optional, required };

struct TlsServerSettings {
  /// Of one name there may be several with different types of key. The first is for clients that name no
  /// server, or an unknown one.
  std::vector<TlsCertificate> certificates;
  ClientCertificate client_certificate = ClientCertificate::none;
  std::string client_ca{};          ///< PEM: who may sign clients' certificates
  std::vector<std::string> alpn{};  ///< application protocols, preferred first; empty: no ALPN
  TlsVersion minimum_version = TlsVersion::tls_1_2;
  /// Those of the context that this one replaces, so that sessions survive. Null: new ones.
  std::shared_ptr<TlsTicketKeys> ticket_keys{};
};

class SIMUL_EXPORT TlsServerContext {
 public:
  /// Reads the files. Throws TlsError. Thread: any; blocks.
  static std::shared_ptr<const TlsServerContext> load(const TlsServerSettings& settings);
  ~TlsServerContext();

  [[nodiscard]] const std::shared_ptr<TlsTicketKeys>& ticket_keys() const noexcept;
  /// For a connection. Throws std::bad_alloc.
  [[nodiscard]] detail::TlsSession make_session() const;

 private:
  struct State;
  explicit TlsServerContext(const TlsServerSettings& settings);
  std::unique_ptr<State> state_;
};

}  // namespace simul
