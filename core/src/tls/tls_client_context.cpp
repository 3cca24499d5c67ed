#include <simul/tls_client_context.hpp>

#include <arpa/inet.h>

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <new>
#include <string_view>
#include <utility>

#include <openssl/x509v3.h>

#include "certificate_files.hpp"
#include "context_parts.hpp"

namespace simul {
namespace {

constexpr std::size_t kMostSessions = 1000;

}  // namespace

using namespace detail;

struct TlsClientContext::State {
  ContextPointer context;
  std::mutex mutex;
  std::map<std::string, SessionPointer, std::less<>> sessions;  // by host

  /// A session to take up again when it next connects to the same host.
  static int on_new_session(SSL* session, SSL_SESSION* fresh) noexcept {
    auto& self = *static_cast<State*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(session)));
    const char* const host = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
    if (host == nullptr) {
      return 0;
    }
    try {
      const std::lock_guard lock(self.mutex);
      if (self.sessions.size() >= kMostSessions &&
          !self.sessions.contains(std::string_view(host))) {
        self.sessions.erase(self.sessions.begin());
      }
      SessionPointer& place = self.sessions[host];
      place.reset(fresh);
      return 1;  // it is ours now
    } catch (const std::bad_alloc&) {
      return 0;
    }
  }
  void take_up(SSL& session, const std::string& host) {
    const std::lock_guard lock(mutex);
    const auto found = sessions.find(host);
    if (found == sessions.end()) {
      return;
    }
    SSL_set_session(&session, found->second.get());
    if (SSL_SESSION_get_protocol_version(found->second.get()) == TLS1_3_VERSION) {
      sessions.erase(found);  // RFC 8446, appendix C.4: a ticket used twice links two connections
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
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
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
  if (!numeric) {
    state_->take_up(*session, host);
  }
  return session;
}

}  // namespace simul
