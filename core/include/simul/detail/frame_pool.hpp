// Memory of coroutine frames and task states: size-class free lists of the calling thread, over
// malloc. A block may be freed on another thread than the one that allocated it; lists are capped
// in bytes and what is over the cap goes back to malloc, so neither side grows.
#pragma once

#include <cstddef>

#include <simul/export.hpp>

namespace simul::detail {

/// Throws std::bad_alloc. Thread: any.
[[nodiscard]] SIMUL_EXPORT void* frame_allocate(std::size_t size);

/// `size` is what frame_allocate was given. Thread: any.
SIMUL_EXPORT void frame_free(void* block, std::size_t size) noexcept;

}  // namespace simul::detail
