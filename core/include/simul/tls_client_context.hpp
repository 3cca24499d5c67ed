// TlsClientContext: what TLS connections to a kind of server have in common: whom they trust, and the
// sessions that can be taken up again. Immutable once loaded, but for those; all loops share one.
//
//   auto context = TlsClientContext::load();      // trusts whom the system trusts
//   auto peer = co_await connect_tls(std::move(socket), context, "example.org");
//
// Versions and ciphers are those of the server's side: see tls_server_context.hpp.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <simul/detail/tls_session.hpp>
#include <simul/export.hpp>
#include <simul/tls_error.hpp>
#include <simul/tls_version.hpp>

namespace simul {

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
  struct State;
  explicit TlsClientContext(const TlsClientSettings& settings);
  std::unique_ptr<State> state_;
};

}  // namespace simul
