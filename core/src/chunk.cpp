#include <simul/chunk.hpp>

#include <cstdlib>
#include <new>

#include "thread_cache.hpp"

namespace simul {

Chunk Chunk::lease() {
  Chunk chunk;
  if (!chunk.try_lease()) {
    throw std::bad_alloc();
  }
  return chunk;
}

bool Chunk::try_lease() noexcept {
  detail::ThreadCache* cache = detail::ThreadCache::get();
  void* block = cache != nullptr ? cache->take_chunk(sizeof(Block)) : std::malloc(sizeof(Block));
  if (block == nullptr) {
    return false;
  }
  block_ = static_cast<Block*>(block);
  block_->begin = block_->end = 0;
  return true;
}

void Chunk::give_back() noexcept {
  if (detail::ThreadCache* cache = detail::ThreadCache::get()) [[likely]] {
    cache->keep_chunk(block_, sizeof(Block));
  } else {
    std::free(block_);
  }
}

}  // namespace simul
