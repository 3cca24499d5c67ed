// discard: reads and throws away whatever comes, and never answers (RFC 863).
//
//   listeners:
//     - { name: sink, address: 127.0.0.1:7009, protocol: discard }
//
// For measuring how fast bytes come in; it keeps none of them.
#pragma once

#include <simul/export.hpp>
#include <simul/protocol.hpp>

namespace simul {

[[nodiscard]] SIMUL_EXPORT const ProtocolType& discard_protocol();

}  // namespace simul
