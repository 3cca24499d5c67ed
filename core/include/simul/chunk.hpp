// Chunk: received bytes in a pooled buffer of 16 KiB, as many as a TLS record carries. A stream leases one when
// bytes are there, so a connection that waits owns none; it goes back to the thread's pool when the Chunk is
// dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include <simul/export.hpp>

namespace simul {

namespace detail {
class ChunkChain;
}

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

[[nodiscard]] inline Bytes as_bytes(std::string_view text) noexcept {
  return std::as_bytes(std::span(text));
}
[[nodiscard]] inline std::string_view as_text(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class SIMUL_EXPORT Chunk {
  struct Block {
    std::uint32_t begin;
    std::uint32_t end;
    Block* next;                            // in a ChunkChain
    std::byte data[std::size_t{16} << 10];  // a TLS record is echoed as one
  };

 public:
  static constexpr std::size_t kCapacity = sizeof Block::data;

  /// Holds nothing.
  Chunk() noexcept = default;
  /// Leases an empty buffer. Throws std::bad_alloc.
  static Chunk lease();
  /// Leases an empty buffer into a Chunk that holds nothing; false if there is no memory.
  bool try_lease() noexcept;
  [[nodiscard]] bool leased() const noexcept { return block_ != nullptr; }
  Chunk(Chunk&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Chunk& operator=(Chunk&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Chunk() {
    if (block_ != nullptr) {
      give_back();
    }
  }

  [[nodiscard]] Bytes bytes() const noexcept {
    return block_ == nullptr ? Bytes() : Bytes(block_->data + block_->begin, size());
  }
  [[nodiscard]] std::size_t size() const noexcept {
    return block_ == nullptr ? 0 : block_->end - block_->begin;
  }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] const std::byte* data() const noexcept { return bytes().data(); }
  [[nodiscard]] std::string_view text() const noexcept { return as_text(bytes()); }
  operator Bytes() const noexcept { return bytes(); }

  // Of a leased chunk:

  /// Drops `count` bytes at the front; at most size().
  void consume(std::size_t count) noexcept { block_->begin += static_cast<std::uint32_t>(count); }

  /// Where bytes can be put, and how many were.
  [[nodiscard]] MutableBytes space() noexcept {
    return {block_->data + block_->end, kCapacity - block_->end};
  }
  void commit(std::size_t count) noexcept { block_->end += static_cast<std::uint32_t>(count); }

 private:
  friend class detail::ChunkChain;
  void give_back() noexcept;

  Block* block_ = nullptr;
};

namespace detail {

/// Leased chunks, one after the other, in the room of a pointer.
class ChunkChain {
 public:
  ChunkChain() noexcept = default;
  ChunkChain(ChunkChain&&) noexcept = default;
  ChunkChain& operator=(ChunkChain&&) noexcept = default;  // swaps
  ~ChunkChain() { clear(); }

  [[nodiscard]] bool empty() const noexcept { return !first_.leased(); }
  /// Of a chain that isn't empty.
  [[nodiscard]] Chunk& front() noexcept { return first_; }
  void push_front(Chunk chunk) noexcept {
    chunk.block_->next = first_.block_;
    first_.block_ = std::exchange(chunk.block_, nullptr);
  }
  Chunk pop_front() noexcept {
    Chunk front;
    front.block_ = std::exchange(first_.block_, first_.block_->next);
    return front;
  }
  void clear() noexcept {
    while (!empty()) {
      pop_front();
    }
  }

 private:
  Chunk first_;
};

}  // namespace detail
}  // namespace simul
