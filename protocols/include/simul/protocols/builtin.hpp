// The protocols that come with simul, as the server offers them to its configuration.
//
//   for (const ProtocolType& type : builtin_protocols()) specs.push_back(type.spec);
//
// Those of plugins are not among them.
#pragma once

#include <span>

#include <simul/export.hpp>
#include <simul/protocol.hpp>

namespace simul {

/// Constant, and alive until the process ends. Thread: any.
[[nodiscard]] SIMUL_EXPORT std::span<const ProtocolType> builtin_protocols();

}  // namespace simul
