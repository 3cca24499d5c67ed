#include <simul/tls_server_context.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <ctime>
#include <functional>
#include <map>
#include <new>
#include <string_view>
#include <utility>

#include "certificate_files.hpp"
#include "context_parts.hpp"
#include "slow_signature.hpp"
#include "ticket_seal.hpp"

namespace simul {

using namespace detail;
using Digest = std::array<unsigned char, 32>;
static_assert(std::tuple_size_v<Digest> <= SSL_MAX_SID_CTX_LENGTH);

/// Clients choose among them: none may take long.
constexpr const char* kGroups = "X25519:P-256";

/// The names lead to one SSL_CTX each, which differ in their certificates only.
struct TlsServerContext::State {
  ContextPointer main;
  std::vector<LoadedCertificate> certificates;
  std::vector<ContextPointer> others;
  std::map<std::string, SSL_CTX*, std::less<>> by_name;
  std::string alpn;
  std::string client_ca;  // what is in the file
  std::shared_ptr<TlsTicketKeys> ticket_keys;

  [[nodiscard]] SSL_CTX* find(std::string_view name) const {
    const std::string asked = lower(std::string(name));
    if (const auto exact = by_name.find(asked); exact != by_name.end()) {
      return exact->second;
    }
    // RFC 6125, section 6.4.3: the star stands for the first label, and for nothing else.
    const std::size_t dot = asked.find('.');
    const auto wild =
        dot != std::string::npos ? by_name.find("*" + asked.substr(dot)) : by_name.end();
    return wild != by_name.end() ? wild->second : nullptr;
  }

  static int on_server_name(SSL* session, int*, void* self) noexcept {
    const char* const name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) {
      return SSL_TLSEXT_ERR_NOACK;
    }
    try {
      if (SSL_CTX* context = static_cast<State*>(self)->find(name)) {
        SSL_set_SSL_CTX(session, context);
      }
    } catch (const std::bad_alloc&) {
      return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    return SSL_TLSEXT_ERR_OK;
  }

  static int on_alpn(SSL*, const unsigned char** chosen, unsigned char* size,
                     const unsigned char* offered, unsigned int offered_size, void* self) noexcept {
    const std::string& own = static_cast<State*>(self)->alpn;
    const int result =
        SSL_select_next_proto(const_cast<unsigned char**>(chosen), size,
                              reinterpret_cast<const unsigned char*>(own.data()),
                              static_cast<unsigned int>(own.size()), offered, offered_size);
    // RFC 7301, section 3.2: without a common protocol the connection ends.
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
  }

  static int on_status(SSL* session, void* self) noexcept {
    const X509* const served = SSL_get_certificate(session);
    for (const LoadedCertificate& one : static_cast<State*>(self)->certificates) {
      if (one.chain.front().get() != served || one.ocsp.empty()) {
        continue;
      }
      if (std::time(nullptr) >= one.ocsp_end) {
        return SSL_TLSEXT_ERR_NOACK;  // to clients it is worse than none
      }
      void* const copy = OPENSSL_memdup(one.ocsp.data(), one.ocsp.size());
      if (copy == nullptr) {
        return SSL_TLSEXT_ERR_NOACK;
      }
      SSL_set_tlsext_status_ocsp_resp(session, copy, static_cast<long>(one.ocsp.size()));
      return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
  }

  static int on_ticket(SSL* session, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* mac, int sealing) noexcept {
    const auto& self = *static_cast<State*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(session)));
    return TicketSeal::prepare(*self.ticket_keys, *session, name, iv, cipher, mac, sealing != 0);
  }

  /// A resumed client isn't verified again: at least its certificate must not have expired meanwhile.
  static SSL_TICKET_RETURN on_ticket_opened(SSL*, SSL_SESSION* session, const unsigned char*,
                                            std::size_t, SSL_TICKET_STATUS status, void*) noexcept {
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) {
      return SSL_TICKET_RETURN_IGNORE_RENEW;
    }
    const X509* const client = SSL_SESSION_get0_peer(session);
    if (client != nullptr && X509_cmp_current_time(X509_get0_notAfter(client)) <= 0) {
      return SSL_TICKET_RETURN_IGNORE_RENEW;
    }
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
  }

  /// A context with these of the certificates.
  ContextPointer make_server_context(const TlsServerSettings& settings,
                                     const std::vector<std::size_t>& indices) {
    ContextPointer context = make_context(TLS_server_method(), settings.minimum_version);
    SSL_CTX_set1_groups_list(context.get(), kGroups);
    std::vector<EVP_PKEY*> keys;
    for (const std::size_t index : indices) {
      use(*context, certificates[index], settings.certificates[index].certificate);
      keys.push_back(certificates[index].key.get());
    }
    stop_before_slow_signatures(*context, keys);
    const Digest id = session_context(settings.client_certificate);
    SSL_CTX_set_session_id_context(context.get(), id.data(), id.size());
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // the client keeps them
    SSL_CTX_set_timeout(context.get(), kSessionSeconds);
    SSL_CTX_set_app_data(context.get(), this);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context.get(), on_ticket);
    SSL_CTX_set_session_ticket_cb(context.get(), nullptr, on_ticket_opened, nullptr);
    SSL_CTX_set_tlsext_servername_callback(context.get(), on_server_name);
    SSL_CTX_set_tlsext_servername_arg(context.get(), this);
    SSL_CTX_set_tlsext_status_cb(context.get(), on_status);
    SSL_CTX_set_tlsext_status_arg(context.get(), this);
    if (!alpn.empty()) {
      SSL_CTX_set_alpn_select_cb(context.get(), on_alpn, this);
    }
    if (settings.client_certificate != ClientCertificate::none) {
      trust_clients(context.get(), settings);
    }
    return context;
  }

  /// Contexts that share ticket keys take up each other's sessions, but not one in which the client was
  /// asked for less, or trusted for other reasons.
  [[nodiscard]] Digest session_context(ClientCertificate wanted) const {
    const std::string what = std::to_string(static_cast<int>(wanted)) + client_ca;
    Digest digest{};
    EVP_Digest(what.data(), what.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
    return digest;
  }

  void trust_clients(SSL_CTX* context, const TlsServerSettings& settings) const {
    X509_STORE* const store = SSL_CTX_get_cert_store(context);
    for (const CertificatePointer& authority : parse_certificates(client_ca, settings.client_ca)) {
      X509_STORE_add_cert(store, authority.get());
      SSL_CTX_add_client_CA(context, authority.get());
    }
    SSL_CTX_set_verify(context,
                       settings.client_certificate == ClientCertificate::required
                           ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                           : SSL_VERIFY_PEER,
                       nullptr);
  }

  void load(const TlsServerSettings& settings) {
    if (settings.certificates.empty()) {
      throw TlsError("a TLS server needs a certificate");
    }
    if (settings.client_certificate != ClientCertificate::none && settings.client_ca.empty()) {
      throw TlsError("client certificates are wanted, but no client_ca says who may sign them");
    }
    if (settings.client_certificate != ClientCertificate::none) {
      client_ca = read_file(settings.client_ca);  // once: it may be replaced meanwhile
    }
    alpn = wire_format(settings.alpn);
    ticket_keys = settings.ticket_keys;
    if (ticket_keys == nullptr) {
      ticket_keys = std::make_shared<TlsTicketKeys>();
    }
    std::map<std::string, std::vector<std::size_t>> of_name;
    for (const TlsCertificate& certificate : settings.certificates) {
      for (const std::string& name :
           certificates.emplace_back(load_certificate(certificate)).names) {
        std::vector<std::size_t>& indices = of_name[name];
        if (indices.empty() || indices.back() != certificates.size() - 1) {
          indices.push_back(certificates.size() - 1);
        }
      }
    }
    std::vector<std::size_t> of_main = {0};
    for (std::size_t i = 1; i < certificates.size(); ++i) {
      if (certificates[i].names == certificates[0].names) {
        of_main.push_back(i);
      }
    }
    main = make_server_context(settings, of_main);
    std::map<std::vector<std::size_t>, SSL_CTX*> made = {{of_main, main.get()}};
    for (const auto& [name, indices] : of_name) {
      SSL_CTX*& context = made[indices];
      if (context == nullptr) {
        context = others.emplace_back(make_server_context(settings, indices)).get();
      }
      by_name.emplace(name, context);
    }
  }
};

TlsServerContext::TlsServerContext(const TlsServerSettings& settings)
    : state_(std::make_unique<State>()) {
  state_->load(settings);
}
TlsServerContext::~TlsServerContext() = default;

std::shared_ptr<const TlsServerContext> TlsServerContext::load(const TlsServerSettings& settings) {
  return std::shared_ptr<const TlsServerContext>(new TlsServerContext(settings));
}

const std::shared_ptr<TlsTicketKeys>& TlsServerContext::ticket_keys() const noexcept {
  return state_->ticket_keys;
}

TlsSession TlsServerContext::make_session() const {
  TlsSession session = new_session(*state_->main);
  SSL_set_accept_state(session.get());
  return session;
}

}  // namespace simul
