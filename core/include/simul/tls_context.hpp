// TlsServerContext, TlsClientContext: what all TLS connections of a listener, or to a kind of server, have
// in common: certificates, trust, versions. Immutable once loaded, so all loops share one; to change
// something load another and give that to the connections that come.
//
//   auto context = TlsServerContext::load({.certificates = {{.certificate = "example.pem", .key = "example.key"}}});
//
// TLS 1.2 and 1.3 only, with forward secrecy and authenticated encryption; no renegotiation, no compression,
// no early data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <simul/export.hpp>

struct ssl_st;  // OpenSSL's

namespace simul {

namespace detail {
struct TlsContexts;
struct SIMUL_EXPORT TlsSessionDeleter {
  void operator()(ssl_st* session) const noexcept;
};
using TlsSession = std::unique_ptr<ssl_st, TlsSessionDeleter>;
}  // namespace detail

/// A file that can't be used. what() names it and says why.
class SIMUL_EXPORT TlsError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  ~TlsError() override;
};

/// Paths of PEM files.
struct TlsCertificate {
  std::string certificate;  ///< the server's own first, then those that lead to the root
  std::string key;          ///< empty: it stands in the same file
  std::string ocsp{};       ///< a response to staple (DER); empty: none
  std::vector<std::string>
      names{};  ///< that it is for, "*.example.org" too; empty: those it contains
};

enum class TlsVersion : std::uint8_t { tls_1_2, tls_1_3 };
enum class ClientCertificate : std::uint8_t { none, optional, required };

/// Keys of session tickets, which let a client take up its session again on any loop. A new one every
/// twelve hours; the last three are accepted. Thread: any.
class SIMUL_EXPORT TlsTicketKeys {
 public:
  TlsTicketKeys();
  ~TlsTicketKeys();
  TlsTicketKeys(const TlsTicketKeys&) = delete;
  TlsTicketKeys& operator=(const TlsTicketKeys&) = delete;

  /// Before its time.
  void rotate();

 private:
  friend struct detail::TlsContexts;
  class Ring;
  std::unique_ptr<Ring> ring_;
};

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
  /// A handshake's signature takes so long (RSA) that it is left to another thread.
  [[nodiscard]] bool signs_slowly() const noexcept;

 private:
  TlsServerContext();
  std::unique_ptr<detail::TlsContexts> contexts_;
};

struct TlsClientSettings {
  std::string ca{};    ///< PEM: who may sign the server's certificate; empty: the system's list
  bool verify = true;  ///< false: anybody may be the server
  std::string certificate{};  ///< of this client; empty: none
  std::string key{};
  std::vector<std::string> alpn{};
  TlsVersion minimum_version = TlsVersion::tls_1_2;
  bool resume = true;  ///< takes up earlier sessions again; false: every handshake is a full one
};

class SIMUL_EXPORT TlsClientContext {
 public:
  /// Reads the files. Throws TlsError. Thread: any; blocks.
  static std::shared_ptr<const TlsClientContext> load(const TlsClientSettings& settings = {});
  ~TlsClientContext();

  /// For a connection to `host`, a name or an address. Throws TlsError for what can't be one,
  /// std::bad_alloc.
  [[nodiscard]] detail::TlsSession make_session(const std::string& host) const;

 private:
  TlsClientContext();
  std::unique_ptr<detail::TlsContexts> contexts_;
};

}  // namespace simul
