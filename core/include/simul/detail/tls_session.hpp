// TlsSession: OpenSSL's SSL, owned, without its headers.
#pragma once

#include <memory>

#include <simul/export.hpp>

struct ssl_st;  // OpenSSL's

namespace simul::detail {

struct SIMUL_EXPORT TlsSessionDeleter {
  void operator()(ssl_st* session) const noexcept;
};
using TlsSession = std::unique_ptr<ssl_st, TlsSessionDeleter>;

}  // namespace simul::detail
