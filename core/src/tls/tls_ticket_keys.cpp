#include <simul/tls_ticket_keys.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <mutex>
#include <stdexcept>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "ticket_seal.hpp"

namespace simul {

/// RFC 5077, section 4: a name, a key for AES-256-CBC, one for HMAC-SHA-256. No copy of it stays in memory.
struct TlsTicketKeys::Key {
  Key() = default;
  Key(const Key&) = default;
  Key& operator=(const Key&) = default;
  ~Key() { OPENSSL_cleanse(this, sizeof *this); }

  std::array<unsigned char, 16> name{};
  std::array<unsigned char, 32> cipher{};
  std::array<unsigned char, 32> mac{};
};

class TlsTicketKeys::Ring {
 public:
  Ring() { replace(); }

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
    const auto fill = [](auto& bytes) {
      if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
        throw std::runtime_error("no random bytes for the keys of session tickets");
      }
    };
    fill(fresh.name);
    fill(fresh.cipher);
    fill(fresh.mac);
    std::ranges::rotate(keys_, keys_.end() - 1);
    keys_.front() = fresh;
    count_ = std::min(count_ + 1, keys_.size());
    made_ = std::chrono::steady_clock::now();
  }

  std::mutex mutex_;
  std::array<Key, 3> keys_;
  std::size_t count_ = 0;
  std::chrono::steady_clock::time_point made_;
};

TlsTicketKeys::TlsTicketKeys() : ring_(std::make_unique<Ring>()) {}
TlsTicketKeys::~TlsTicketKeys() = default;
void TlsTicketKeys::rotate() { ring_->rotate(); }

namespace detail {

int TicketSeal::prepare(TlsTicketKeys& keys, const SSL& session, unsigned char* name,
                        unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                        bool sealing) noexcept {
  TlsTicketKeys::Key key;
  int found = 1;
  if (sealing) {
    try {
      key = keys.ring_->newest();
    } catch (const std::exception&) {
      return -1;
    }
    std::memcpy(name, key.name.data(), key.name.size());
    if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1) {
      return -1;
    }
  } else {
    found = keys.ring_->find(name, key);
  }
  if (found == 0) {
    return 0;  // a full handshake, then
  }
  char digest[] = "SHA256";
  const std::array<OSSL_PARAM, 3> parameters = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  if (EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv,
                        sealing ? 1 : 0) != 1 ||
      EVP_MAC_CTX_set_params(mac, parameters.data()) != 1) {
    return -1;
  }
  // 2 asks for a fresh ticket: TLS 1.3's are for one use each.
  return !sealing && SSL_version(&session) == TLS1_3_VERSION ? 2 : found;
}

}  // namespace detail
}  // namespace simul
