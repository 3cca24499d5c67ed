#include <simul/tls_context.hpp>

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <new>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "openssl.hpp"

namespace simul {

TlsError::~TlsError() = default;

namespace detail {
namespace {

constexpr const char* kCiphers =  // of TLS 1.2; the three of TLS 1.3 are all right as they are
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr long kSessionSeconds = 43'200;
constexpr std::size_t kMostSessions = 1000;  // that a client keeps

[[noreturn]] void fail(const std::string& path, const std::string& why) {
  ERR_clear_error();
  throw TlsError(path + ": " + why);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string content(std::istreambuf_iterator<char>(file), {});
  if (!file || content.empty()) {
    const int error = errno;
    fail(path, file ? "the file is empty" : std::system_category().message(error));
  }
  return content;
}

BioPointer open_file(const std::string& path) {
  const std::string content = read_file(path);
  BioPointer bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr ||
      BIO_write(bio.get(), content.data(), static_cast<int>(content.size())) < 0) {
    throw std::bad_alloc();
  }
  return bio;
}

/// Nobody is asked for a password; that one was wanted is remembered.
int no_password(char*, int, int, void* wanted) {
  *static_cast<bool*>(wanted) = true;
  return -1;
}

std::vector<CertificatePointer> read_certificates(const std::string& path) {
  const BioPointer file = open_file(path);
  std::vector<CertificatePointer> chain;
  while (X509* certificate = PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr)) {
    chain.emplace_back(certificate);
  }
  const unsigned long error = ERR_peek_last_error();
  if (chain.empty()) {
    fail(path, "no certificate in PEM form is in this file");
  }
  if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE) {
    fail(path, "certificate " + std::to_string(chain.size() + 1) + ": " + take_openssl_error());
  }
  ERR_clear_error();
  return chain;
}

KeyPointer read_key(const std::string& path) {
  const BioPointer file = open_file(path);
  bool encrypted = false;
  KeyPointer key(PEM_read_bio_PrivateKey(file.get(), nullptr, no_password, &encrypted));
  if (key == nullptr) {
    fail(path, encrypted ? "the key is encrypted: there is nobody to ask for its password "
                           "(cure: openssl pkey -in FILE -out NEW)"
                         : "no private key in PEM form is in this file");
  }
  return key;
}

std::string lower(std::string name) {
  std::ranges::transform(name, name.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  });
  return name;
}

/// A certificate as it was read.
struct Loaded {
  std::vector<CertificatePointer> chain;
  KeyPointer key;
  std::string ocsp;
  std::vector<std::string> names;
};

Loaded load_certificate(const TlsCertificate& from) {
  Loaded loaded;
  loaded.chain = read_certificates(from.certificate);
  const std::string& key_path = from.key.empty() ? from.certificate : from.key;
  loaded.key = read_key(key_path);
  if (X509_check_private_key(loaded.chain.front().get(), loaded.key.get()) != 1) {
    fail(key_path, "the key doesn't belong to the certificate " + from.certificate);
  }
  if (!from.ocsp.empty()) {
    loaded.ocsp = read_file(from.ocsp);
  }
  if (from.names.empty()) {
    loaded.names = names_of(*loaded.chain.front());
  } else {
    loaded.names = from.names;
  }
  std::ranges::transform(loaded.names, loaded.names.begin(), lower);
  return loaded;
}

void use(SSL_CTX* context, const Loaded& loaded, const std::string& path) {
  if (SSL_CTX_use_certificate(context, loaded.chain.front().get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, loaded.key.get()) != 1) {
    fail(path, take_openssl_error());
  }
  for (std::size_t i = 1; i < loaded.chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, loaded.chain[i].get()) != 1) {
      fail(path, take_openssl_error());
    }
  }
}

/// As ALPN wants it: each with its length before it.
std::string wire_format(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const std::string& protocol : protocols) {
    if (protocol.empty() || protocol.size() > 255) {
      throw TlsError("ALPN: a protocol's name has 1 to 255 bytes");
    }
    wire += static_cast<char>(protocol.size());
    wire += protocol;
  }
  return wire;
}

ContextPointer make_context(const SSL_METHOD* method, TlsVersion minimum) {
  ContextPointer context(SSL_CTX_new(method));
  if (context == nullptr) {
    throw std::bad_alloc();
  }
  SSL_CTX_set_min_proto_version(context.get(),
                                minimum == TlsVersion::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context.get(), kCiphers);
  SSL_CTX_set1_groups_list(context.get(), kGroups);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE |
                                         SSL_OP_PRIORITIZE_CHACHA);
  // An idle connection keeps no buffers; one read of the stream below may bring many records.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context.get(), 1);
  return context;
}

}  // namespace
}  // namespace detail

// --- ticket keys -------------------------------------------------------------------------------

/// RFC 5077, section 4: a name, a key for AES-256-CBC, one for HMAC-SHA-256.
class TlsTicketKeys::Ring {
 public:
  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> cipher;
    std::array<unsigned char, 32> mac;
  };

  Ring() { replace(); }
  ~Ring() { OPENSSL_cleanse(keys_.data(), sizeof keys_); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  void rotate() {
    const std::lock_guard lock(mutex_);
    replace();
  }

  Key newest() {
    const std::lock_guard lock(mutex_);
    if (std::chrono::steady_clock::now() - made_ > std::chrono::seconds(detail::kSessionSeconds)) {
      replace();
    }
    return keys_.front();
  }
  /// 0: unknown. 1: the newest. 2: an older one.
  int find(const unsigned char* name, Key& key) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < count_; ++i) {
      if (std::memcmp(keys_[i].name.data(), name, keys_[i].name.size()) == 0) {
        key = keys_[i];
        return i == 0 ? 1 : 2;
      }
    }
    return 0;
  }

 private:
  void replace() {
    Key fresh;
    if (RAND_bytes(reinterpret_cast<unsigned char*>(&fresh), sizeof fresh) != 1) {
      throw std::runtime_error("no random bytes for the keys of session tickets");
    }
    std::ranges::rotate(keys_, keys_.end() - 1);
    keys_.front() = fresh;
    count_ = std::min(count_ + 1, keys_.size());
    made_ = std::chrono::steady_clock::now();
    OPENSSL_cleanse(&fresh, sizeof fresh);
  }

  std::mutex mutex_;
  std::array<Key, 3> keys_{};
  std::size_t count_ = 0;
  std::chrono::steady_clock::time_point made_;
};

TlsTicketKeys::TlsTicketKeys() : ring_(std::make_unique<Ring>()) {}
TlsTicketKeys::~TlsTicketKeys() = default;
void TlsTicketKeys::rotate() { ring_->rotate(); }

// --- what a context consists of ----------------------------------------------------------------

namespace detail {

void TlsSessionDeleter::operator()(ssl_st* session) const noexcept { SSL_free(session); }

struct FreeText {
  void operator()(char* text) const noexcept { OPENSSL_free(text); }
};

using Digest = std::array<unsigned char, 32>;
static_assert(std::tuple_size_v<Digest> <= SSL_MAX_SID_CTX_LENGTH);

/// The names lead to one SSL_CTX each, which differ in their certificates only.
struct TlsContexts {
  ContextPointer main;  // of the client side: the only one
  std::vector<Loaded> certificates;
  std::vector<ContextPointer> others;
  std::map<std::string, SSL_CTX*, std::less<>> by_name;
  std::string alpn;
  std::mutex sessions_mutex;
  std::multimap<std::string, SessionPointer> sessions;  // of a client, by host, oldest first
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
      if (SSL_CTX* context = static_cast<TlsContexts*>(self)->find(name)) {
        SSL_set_SSL_CTX(session, context);
      }
    } catch (const std::bad_alloc&) {
      return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    return SSL_TLSEXT_ERR_OK;
  }

  static int on_alpn(SSL*, const unsigned char** chosen, unsigned char* size,
                     const unsigned char* offered, unsigned int offered_size, void* self) noexcept {
    const std::string& own = static_cast<TlsContexts*>(self)->alpn;
    const int result =
        SSL_select_next_proto(const_cast<unsigned char**>(chosen), size,
                              reinterpret_cast<const unsigned char*>(own.data()),
                              static_cast<unsigned int>(own.size()), offered, offered_size);
    // RFC 7301, section 3.2: without a common protocol the connection ends.
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
  }

  static int on_status(SSL* session, void* self) noexcept {
    const X509* const served = SSL_get_certificate(session);
    for (const Loaded& one : static_cast<TlsContexts*>(self)->certificates) {
      if (one.chain.front().get() != served || one.ocsp.empty()) {
        continue;
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
    auto& self = *static_cast<TlsContexts*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(session)));
    TlsTicketKeys::Ring& ring = *self.ticket_keys->ring_;
    TlsTicketKeys::Ring::Key key;
    int found = 1;
    try {
      if (sealing != 0) {
        key = ring.newest();
      } else {
        found = ring.find(name, key);
      }
    } catch (const std::exception&) {
      return sealing != 0 ? -1 : 0;
    }
    if (found == 0) {
      return 0;  // a full handshake, then
    }
    if (sealing != 0) {
      std::memcpy(name, key.name.data(), key.name.size());
      if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1) {
        return -1;
      }
    }
    char digest[] = "SHA256";
    std::array<OSSL_PARAM, 3> parameters = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    const bool ready = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv,
                                         sealing) == 1 &&
                       EVP_MAC_CTX_set_params(mac, parameters.data()) == 1;
    OPENSSL_cleanse(&key, sizeof key);
    if (!ready) {
      return -1;
    }
    // 2 asks for a fresh ticket: TLS 1.3's are for one use each.
    return sealing == 0 && SSL_version(session) == TLS1_3_VERSION ? 2 : found;
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

  /// The name or the address that the server is verified for.
  static std::string host_of(SSL* session) {
    X509_VERIFY_PARAM* const wanted = SSL_get0_param(session);
    if (const char* const name = X509_VERIFY_PARAM_get0_host(wanted, 0)) {
      return name;
    }
    const std::unique_ptr<char, FreeText> address(X509_VERIFY_PARAM_get1_ip_asc(wanted));
    return address != nullptr ? address.get() : "";
  }

  /// Of a client: a session to take up again when it next connects to the same host. TLS 1.3's are for one
  /// use each, so connections that are made side by side need several.
  static int on_new_session(SSL* session, SSL_SESSION* fresh) noexcept {
    auto& self = *static_cast<TlsContexts*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(session)));
    try {
      const std::string host = host_of(session);
      const std::lock_guard lock(self.sessions_mutex);
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
    const std::string host = host_of(&session);
    const std::lock_guard lock(sessions_mutex);
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

  /// A context with these of the certificates.
  ContextPointer make_server_context(const TlsServerSettings& settings,
                                     const std::vector<std::size_t>& indices) {
    ContextPointer context = make_context(TLS_server_method(), settings.minimum_version);
    for (const std::size_t index : indices) {
      use(context.get(), certificates[index], settings.certificates[index].certificate);
    }
    const Digest id = session_context(settings);
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
  static Digest session_context(const TlsServerSettings& settings) {
    std::string what = std::to_string(static_cast<int>(settings.client_certificate));
    if (settings.client_certificate != ClientCertificate::none) {
      what += read_file(settings.client_ca);
    }
    Digest digest{};
    EVP_Digest(what.data(), what.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
    return digest;
  }

  static void trust_clients(SSL_CTX* context, const TlsServerSettings& settings) {
    X509_STORE* const store = SSL_CTX_get_cert_store(context);
    for (const CertificatePointer& authority : read_certificates(settings.client_ca)) {
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

}  // namespace detail

// --- server ------------------------------------------------------------------------------------

TlsServerContext::TlsServerContext() : contexts_(std::make_unique<detail::TlsContexts>()) {}
TlsServerContext::~TlsServerContext() = default;

std::shared_ptr<const TlsServerContext> TlsServerContext::load(const TlsServerSettings& settings) {
  std::shared_ptr<TlsServerContext> context(new TlsServerContext);
  context->contexts_->load(settings);
  return context;
}

const std::shared_ptr<TlsTicketKeys>& TlsServerContext::ticket_keys() const noexcept {
  return contexts_->ticket_keys;
}

detail::TlsSession TlsServerContext::make_session() const {
  detail::TlsSession session(SSL_new(contexts_->main.get()));
  if (session == nullptr) {
    throw std::bad_alloc();
  }
  SSL_set_accept_state(session.get());
  return session;
}

bool TlsServerContext::signs_slowly() const noexcept {
  return std::ranges::any_of(contexts_->certificates, [](const detail::Loaded& one) {
    return EVP_PKEY_get_base_id(one.key.get()) == EVP_PKEY_RSA;
  });
}

// --- client ------------------------------------------------------------------------------------

TlsClientContext::TlsClientContext() : contexts_(std::make_unique<detail::TlsContexts>()) {}
TlsClientContext::~TlsClientContext() = default;

std::shared_ptr<const TlsClientContext> TlsClientContext::load(const TlsClientSettings& settings) {
  std::shared_ptr<TlsClientContext> loaded(new TlsClientContext);
  detail::TlsContexts& contexts = *loaded->contexts_;
  contexts.main = detail::make_context(TLS_client_method(), settings.minimum_version);
  contexts.alpn = detail::wire_format(settings.alpn);
  SSL_CTX* const context = contexts.main.get();
  if (settings.ca.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else {
    for (const detail::CertificatePointer& authority : detail::read_certificates(settings.ca)) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get());
    }
  }
  SSL_CTX_set_verify(context, settings.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!settings.certificate.empty()) {
    const TlsCertificate own = {.certificate = settings.certificate, .key = settings.key};
    detail::use(context, contexts.certificates.emplace_back(detail::load_certificate(own)),
                settings.certificate);
  }
  SSL_CTX_set_app_data(context, &contexts);
  SSL_CTX_set_session_cache_mode(
      context, settings.resume ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE
                               : SSL_SESS_CACHE_OFF);
  SSL_CTX_sess_set_new_cb(context, detail::TlsContexts::on_new_session);
  if (!contexts.alpn.empty()) {
    SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(contexts.alpn.data()),
                            static_cast<unsigned int>(contexts.alpn.size()));
  }
  return loaded;
}

detail::TlsSession TlsClientContext::make_session(const std::string& host) const {
  if (host.empty() || host.find('\0') != std::string::npos) {
    throw TlsError("a TLS connection needs the name of the host that it is to");
  }
  detail::TlsSession session(SSL_new(contexts_->main.get()));
  if (session == nullptr) {
    throw std::bad_alloc();
  }
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
  contexts_->take_up(*session);
  return session;
}

}  // namespace simul
