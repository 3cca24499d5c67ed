// Debug mode: SIMUL_DEBUG=1 in the environment turns on what is too dear for production: coroutines remember
// where they were made, and a watchdog starts with the first loop.
#pragma once

namespace simul::detail {

/// Looked up once per process. Thread: any.
[[nodiscard]] bool debug_mode() noexcept;

}  // namespace simul::detail
