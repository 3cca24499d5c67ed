#include <simul/tls_client_context.hpp>

#include <arpa/inet.h>

#include <array>
#include <cstddef>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#include <openssl/x509v3.h>

#include "certificate_files.hpp"
#include "context_parts.hpp"

namespace simul {
namespace {

constexpr std::size_t kMostSessions = 1000;

struct FreeText {
  void operator()(char* text) const noexcept { OPENSSL_free(text); }
};

}  // namespace

using namespace detail;

struct TlsClientContext::State {
  ContextPointer context;
  std::mutex mutex;
  std::multimap<std::string, SessionPointer> sessions;  // by host, oldest first

  /// The name or the address that the server is verified for.
  static std::string host_of(SSL& session) {
    X509_VERIFY_PARAM* const wanted = SSL_get0_param(&session);
    if (const char* const name = X509_VERIFY_PARAM_get0_host(wanted, 0)) {
      return name;
    }
    const std::unique_ptr<char, FreeText> address(X509_VERIFY_PARAM_get1_ip_asc(wanted));
    return address != nullptr ? address.get() : "";
  }

  /// A session to take up again when it next connects to the same host. TLS 1.3's are for one use each, so
  /// connections that are made side by side need several.
  static int on_new_session(SSL* session, SSL_SESSION* fresh) noexcept {
    auto& self = *static_cast<State*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(session)));
    try {
      const std::string host = host_of(*session);
      const std::lock_guard lock(self.mutex);
      if (SSL_SESSION_get_protocol_version(fresh) != TLS1_3_VERSION) {
        self.sessions.erase(host);  // one serves for all
      }
      if (self.sessions.size() >= kMostSessions) {
        const auto oldest = self.sessions.lower_bound(host);
        self.sessions.erase(oldest != self.sessions.end() && oldest->first == host
                                ? oldest
                                : self.sessions.begin());
      }
      self.sessions.emplace(host, nullptr)->second.reset(fresh);
      return 1;  // it is ours now
    } catch (const std::bad_alloc&) {
      return 0;
    }
  }
  void take_up(SSL& session) {
    const std::string host = host_of(session);
    const std::lock_guard lock(mutex);
    const auto after = sessions.upper_bound(host);
    if (after == sessions.begin() || std::prev(after)->first != host) {
      return;
    }
    const auto newest = std::prev(after);
    SSL_set_session(&session, newest->second.get());
    if (SSL_SESSION_get_protocol_version(newest->second.get()) == TLS1_3_VERSION) {
      sessions.erase(newest);  // RFC 8446, appendix C.4: a ticket used twice links two connections
    }
  }
};

TlsClientContext::TlsClientContext(const TlsClientSettings& settings)
    : state_(std::make_unique<State>()) {
  state_->context = make_context(TLS_client_method(), settings.minimum_version);
  SSL_CTX* const context = state_->context.get();
  if (settings.ca.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else {
    for (const CertificatePointer& authority : read_certificates(settings.ca)) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get());
    }
  }
  SSL_CTX_set_verify(context, settings.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!settings.certificate.empty()) {
    const TlsCertificate own = {.certificate = settings.certificate, .key = settings.key};
    use(*context, load_certificate(own), settings.certificate);
  }
  SSL_CTX_set_app_data(context, state_.get());
  SSL_CTX_set_session_cache_mode(
      context, settings.resume ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE
                               : SSL_SESS_CACHE_OFF);
  SSL_CTX_sess_set_new_cb(context, State::on_new_session);
  if (const std::string alpn = wire_format(settings.alpn); !alpn.empty()) {
    SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(alpn.data()),
                            static_cast<unsigned int>(alpn.size()));
  }
}
TlsClientContext::~TlsClientContext() = default;

std::shared_ptr<const TlsClientContext> TlsClientContext::load(const TlsClientSettings& settings) {
  return std::shared_ptr<const TlsClientContext>(new TlsClientContext(settings));
}

TlsSession TlsClientContext::make_session(const std::string& host) const {
  if (host.empty() || host.find('\0') != std::string::npos) {
    throw TlsError("a TLS connection needs the name of the host that it is to");
  }
  TlsSession session = new_session(*state_->context);
  SSL_set_connect_state(session.get());
  std::array<unsigned char, sizeof(in6_addr)> address{};
  const bool numeric = inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
                       inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(session.get());
  bool set = false;
  if (numeric) {  // RFC 6066, section 3: an address is no server name
    set = X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1;
  } else {
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    set = X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size()) == 1 &&
          SSL_set_tlsext_host_name(session.get(), host.c_str()) == 1;
  }
  if (!set) {
    ERR_clear_error();
    throw TlsError("'" + host + "' can't be the name of a host");
  }
  state_->take_up(*session);
  return session;
}

}  // namespace simul
