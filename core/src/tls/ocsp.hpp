// OCSP responses, as they are stapled.
#pragma once

#include <ctime>
#include <string>

#include "openssl.hpp"

namespace simul::detail {

/// Throws TlsError: it is none, it is for another certificate, it says that this one isn't good, it isn't valid
/// now. Its signature is for clients to verify, who know the authorities.
void check_ocsp(const std::string& der, const X509& certificate, const std::string& path);

/// When it goes out of date (its nextUpdate); the end of time if it doesn't say, or is none.
[[nodiscard]] std::time_t ocsp_end(const std::string& der, const X509& certificate) noexcept;

}  // namespace simul::detail
