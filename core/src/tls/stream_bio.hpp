// A BIO over a TlsWire: how OpenSSL reaches the stream below.
#pragma once

#include <simul/detail/tls_wire.hpp>

#include "openssl.hpp"

namespace simul::detail {

/// `wire` outlives it. Throws std::bad_alloc.
[[nodiscard]] BioPointer make_bio(TlsWire& wire);
[[nodiscard]] TlsWire& wire_of(BIO* bio) noexcept;
/// Null if it is another kind of BIO.
[[nodiscard]] TlsWire* find_wire(BIO* bio) noexcept;

}  // namespace simul::detail
