// TlsVersion: the versions of TLS that simul speaks.
#pragma once

#include <cstdint>

namespace simul {

enum class TlsVersion : std::uint8_t { tls_1_2, tls_1_3 };

}  // namespace simul
