// What the contexts of both sides have in common.
#pragma once

#include <string>
#include <vector>

#include <simul/detail/tls_session.hpp>
#include <simul/tls_version.hpp>

#include "certificate_files.hpp"
#include "openssl.hpp"

namespace simul::detail {

/// With ciphers, groups and options. Throws std::bad_alloc.
[[nodiscard]] ContextPointer make_context(const SSL_METHOD* method, TlsVersion minimum);

/// Gives it a certificate, which stands in the file `path`. Throws TlsError.
void use(SSL_CTX& context, const LoadedCertificate& loaded, const std::string& path);

/// Application protocols as ALPN wants them: each with its length before it. Throws TlsError.
[[nodiscard]] std::string wire_format(const std::vector<std::string>& protocols);

/// Throws std::bad_alloc.
[[nodiscard]] TlsSession new_session(SSL_CTX& context);

}  // namespace simul::detail
