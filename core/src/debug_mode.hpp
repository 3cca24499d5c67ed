// SIMUL_DEBUG=1: look for mistakes that cost time to find: see docs/runtime/watching.md.
#pragma once

namespace simul::detail {

/// Is the environment variable SIMUL_DEBUG set, and neither empty nor 0? Read once.
[[nodiscard]] bool debug_mode() noexcept;

}  // namespace simul::detail
