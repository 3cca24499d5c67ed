// RawTlsRecords: what a client of TLS 1.3 sends after its handshake, record by record, of any content and cut
// anywhere. (OpenSSL cuts no message into pieces.)
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>

#include "raw_tls.hpp"

namespace simul::test {

class RawTlsRecords {
 public:
  /// Before the handshake of `client`, whose context should be its own.
  explicit RawTlsRecords(RawTls& client) {
    SSL_set_ciphersuites(client.ssl(), "TLS_AES_128_GCM_SHA256");
    SSL_set_app_data(client.ssl(), this);
    SSL_CTX_set_keylog_callback(SSL_get_SSL_CTX(client.ssl()), [](const SSL* ssl,
                                                                  const char* line) {
      const std::string_view text(line);
      if (text.starts_with("CLIENT_TRAFFIC_SECRET_0 ")) {
        static_cast<RawTlsRecords*>(SSL_get_app_data(ssl))->use(text.substr(text.rfind(' ') + 1));
      }
    });
  }
  RawTlsRecords(const RawTlsRecords&) = delete;
  RawTlsRecords& operator=(const RawTlsRecords&) = delete;

  static constexpr std::uint8_t kAlert = 21;
  static constexpr std::uint8_t kHandshake = 22;
  static constexpr std::uint8_t kData = 23;

  std::string seal(std::uint8_t type, std::string_view content) {
    const std::string plain = std::string(content) + static_cast<char>(type);
    const std::size_t size = plain.size() + kTag;
    std::string record = {'\x17', '\x03', '\x03', static_cast<char>(size >> 8),
                          static_cast<char>(size)};
    const std::string key = expand("key", 16);
    std::string nonce = expand("iv", 12);
    for (std::size_t i = 0; i < 8; ++i) {
      nonce[11 - i] = static_cast<char>(nonce[11 - i] ^ static_cast<char>(number_ >> (8 * i)));
    }
    ++number_;
    std::string sealed(size, '\0');
    EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
    int length = 0;
    EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), nullptr, bytes(key), bytes(nonce));
    EVP_EncryptUpdate(context, nullptr, &length, bytes(record), static_cast<int>(record.size()));
    EVP_EncryptUpdate(context, bytes(sealed), &length, bytes(plain),
                      static_cast<int>(plain.size()));
    EVP_EncryptFinal_ex(context, bytes(sealed) + length, &length);
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, kTag, bytes(sealed) + plain.size());
    EVP_CIPHER_CTX_free(context);
    return record + sealed;
  }
  /// After a KeyUpdate.
  void next_keys() {
    secret_ = expand("traffic upd", 32);
    number_ = 0;
  }

 private:
  static constexpr std::size_t kTag = 16;

  static unsigned char* bytes(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
  }
  static const unsigned char* bytes(const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  }

  void use(std::string_view hex) {
    secret_.clear();
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
      secret_ += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    }
  }
  /// HKDF-Expand-Label of RFC 8446, section 7.1, for what fits into one block.
  [[nodiscard]] std::string expand(std::string_view label, std::size_t size) const {
    const std::string name = "tls13 " + std::string(label);
    std::string info = {'\0', static_cast<char>(size), static_cast<char>(name.size())};
    info += name + std::string(1, '\0') + '\x01';
    std::array<unsigned char, 32> block{};
    unsigned int length = 0;
    HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()), bytes(info), info.size(),
         block.data(), &length);
    return {block.begin(), block.begin() + static_cast<std::ptrdiff_t>(size)};
  }

  std::string secret_;
  std::uint64_t number_ = 0;
};

}  // namespace simul::test
