#include "thread_cache.hpp"

#include <cstdlib>
#include <memory>
#include <new>
#include <utility>

#include <simul/detail/frame_pool.hpp>

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

ThreadCache* make_cache() noexcept {
  if (t_ended) {
    return nullptr;  // frames freed by other thread-local destructors
  }
  thread_local Owner owner;
  t_cache = new (std::nothrow) ThreadCache;
  return t_cache;
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

void* ThreadCache::take_frame(std::size_t size) noexcept {
  const std::size_t index = class_of(size);
  const std::size_t block_size = class_size(size);
  if (Free* block = frames_[index]) {
    frames_[index] = block->next;
    frame_bytes_ -= block_size;
    return block;
  }
  return std::malloc(block_size);
}

void ThreadCache::keep_frame(void* block, std::size_t size) noexcept {
  const std::size_t index = class_of(size);
  const std::size_t block_size = class_size(size);
  if (frame_bytes_ + block_size > kFrameBytes) {
    std::free(block);
    return;
  }
  frame_bytes_ += block_size;
  frames_[index] = new (block) Free{frames_[index]};
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
  ThreadCache* cache =
      kFramesPooled && size <= ThreadCache::kLargestFrame ? ThreadCache::get() : nullptr;
  // A block of a pooled size that misses the pool is still rounded: any thread may pool it later.
  void* block =
      cache != nullptr ? cache->take_frame(size) : std::malloc(ThreadCache::class_size(size));
  if (block == nullptr) {
    throw std::bad_alloc();
  }
  return block;
}

void frame_free(void* block, std::size_t size) noexcept {
  if (kFramesPooled && size <= ThreadCache::kLargestFrame) {
    if (ThreadCache* cache = ThreadCache::get()) [[likely]] {
      cache->keep_frame(block, size);
      return;
    }
  }
  std::free(block);
}

}  // namespace simul::detail
