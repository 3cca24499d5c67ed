// TicketSeal: session tickets are sealed and opened with the keys of a TlsTicketKeys.
#pragma once

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <simul/tls_ticket_keys.hpp>

namespace simul::detail {

inline constexpr long kSessionSeconds = 43'200;

struct TicketSeal {
  /// What SSL_CTX_set_tlsext_ticket_key_evp_cb asks for.
  static int prepare(TlsTicketKeys& keys, const SSL& session, unsigned char* name,
                     unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                     bool sealing) noexcept;
};

}  // namespace simul::detail
