// Free memory that a thread keeps for the next coroutine frame or receive buffer. It is all that the
// library keeps per thread, besides the current loop: one pointer in thread-local storage.
#pragma once

#include <array>
#include <cstddef>
#include <new>

namespace simul::detail {

class ThreadCache {
 public:
  /// Frames up to this size are pooled, in classes of 16 n + 8 bytes: what malloc's blocks hold.
  static constexpr std::size_t kLargestFrame = 2040;
  static constexpr std::size_t class_size(std::size_t size) noexcept {
    return (size + 7) / 16 * 16 + 8;
  }
  /// What a thread keeps, in bytes, of frames (and one more) and of chunks.
  static constexpr std::size_t kFrameBytes = std::size_t{1} << 20;
  static constexpr std::size_t kChunkBytes = std::size_t{1} << 20;

  /// The calling thread's; null after it was destroyed at the thread's end, and in debug mode.
  static ThreadCache* get() noexcept;

  ~ThreadCache();

  /// A frame of a pooled size that is kept, or null.
  void* take_frame(std::size_t size) noexcept {
    Free*& first = frames_[class_of(size)];
    Free* const block = first;
    if (block != nullptr) {
      first = block->next;
      frame_bytes_ -= class_size(size);
    }
    return block;
  }
  /// False: enough is kept already.
  bool keep_frame(void* block, std::size_t size) noexcept {
    if (frame_bytes_ > kFrameBytes) {
      return false;
    }
    frame_bytes_ += class_size(size);
    Free*& first = frames_[class_of(size)];
    first = new (block) Free{first};
    return true;
  }
  /// Null if there is no memory.
  void* take_chunk(std::size_t size) noexcept;
  void keep_chunk(void* block, std::size_t size) noexcept;

 private:
  struct Free {
    Free* next;
  };
  static constexpr std::size_t kClasses = (kLargestFrame + 7) / 16 + 1;
  static std::size_t class_of(std::size_t size) noexcept { return (size + 7) / 16; }

  std::array<Free*, kClasses> frames_{};
  std::size_t frame_bytes_ = 0;
  Free* chunks_ = nullptr;
  std::size_t chunk_bytes_ = 0;
};

}  // namespace simul::detail
