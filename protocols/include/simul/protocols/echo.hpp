// echo: sends back what it receives, byte for byte, until the peer has finished (RFC 862).
//
//   listeners:
//     - { name: echo, address: 127.0.0.1:7000, protocol: echo }
//
// It is also the smallest complete protocol, and what the runtime is measured with. It knows no lines
// and no messages.
#pragma once

#include <simul/export.hpp>
#include <simul/protocol.hpp>

namespace simul {

[[nodiscard]] SIMUL_EXPORT const ProtocolType& echo_protocol();

}  // namespace simul
