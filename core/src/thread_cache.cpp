#include "thread_cache.hpp"

#include <cstdlib>
#include <memory>
#include <new>
#include <utility>

#include <simul/detail/frame_pool.hpp>

#include "creation_sites.hpp"
#include "debug_mode.hpp"

namespace simul::detail {
namespace {

// Sanitizers must see every frame come and go, or they miss a use after free.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kFramesPooled = false;
#else
constexpr bool kFramesPooled = true;
#endif
#else
constexpr bool kFramesPooled = true;
#endif

[[gnu::tls_model("initial-exec")]] thread_local constinit ThreadCache* t_cache = nullptr;
[[gnu::tls_model("initial-exec")]] thread_local constinit bool t_ended = false;

struct Owner {
  ~Owner() {
    delete t_cache;
    t_cache = nullptr;
    t_ended = true;
  }
};

[[gnu::noinline, gnu::cold]] ThreadCache* make_cache() noexcept {
  if (t_ended || debug_mode()) {
    return nullptr;  // freed by other thread-local destructors; or each block is to be remembered
  }
  thread_local Owner owner;
  t_cache = new (std::nothrow) ThreadCache;
  return t_cache;
}

bool pooled(std::size_t size) noexcept {
  return kFramesPooled && size <= ThreadCache::kLargestFrame;
}

// Each coroutine that is called passes here. What happens seldom stands in functions of its own, so that
// the rest needs no stack frame.

[[gnu::noinline]] void* allocate_outside(std::size_t size) {
  // A block of a pooled size is rounded: any thread may pool it later.
  if (void* block = std::malloc(ThreadCache::class_size(size))) {
    if (debug_mode()) {
      remember_creation(block);
    }
    return block;
  }
  throw std::bad_alloc();
}

[[gnu::noinline]] void free_outside(void* block, std::size_t size) noexcept {
  ThreadCache* cache = pooled(size) ? ThreadCache::get() : nullptr;
  if (cache == nullptr || !cache->keep_frame(block, size)) {
    if (debug_mode()) {
      forget_creation(block);
    }
    std::free(block);
  }
}

}  // namespace

ThreadCache* ThreadCache::get() noexcept {
  if (ThreadCache* cache = t_cache) [[likely]] {
    return cache;
  }
  return make_cache();
}

ThreadCache::~ThreadCache() {
  auto free_all = [](Free* list) {
    while (list != nullptr) {
      std::free(std::exchange(list, list->next));
    }
  };
  for (Free* list : frames_) {
    free_all(list);
  }
  free_all(chunks_);
}

void* ThreadCache::take_chunk(std::size_t size) noexcept {
  if (Free* block = chunks_) {
    chunks_ = block->next;
    chunk_bytes_ -= size;
    return block;
  }
  return std::malloc(size);
}

void ThreadCache::keep_chunk(void* block, std::size_t size) noexcept {
  if (chunk_bytes_ + size > kChunkBytes) {
    std::free(block);
    return;
  }
  chunk_bytes_ += size;
  chunks_ = new (block) Free{chunks_};
}

void* frame_allocate(std::size_t size) {
  if (pooled(size) && t_cache != nullptr) [[likely]] {
    if (void* block = t_cache->take_frame(size)) [[likely]] {
      return block;
    }
  }
  return allocate_outside(size);
}

void frame_free(void* block, std::size_t size) noexcept {
  if (!pooled(size) || t_cache == nullptr || !t_cache->keep_frame(block, size)) [[unlikely]] {
    free_outside(block, size);
  }
}

}  // namespace simul::detail
