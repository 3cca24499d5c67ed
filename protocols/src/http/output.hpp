// Output: the bytes of answers, gathered so that many leave in one send. It is bounded: when it is
// full, whoever writes has to send first, and so a peer that doesn't read can't make it grow.
//
//   text.remove_prefix(output.append(text));
//   if (!text.empty()) { co_await peer.send(output.pieces()); output.clear(); }
//
// It leases pooled chunks as it fills and gives them back when it is cleared.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

#include <simul/chunk.hpp>

namespace simul::http {

class Output {
 public:
  static constexpr std::size_t kChunks = 4;
  static constexpr std::size_t kCapacity = kChunks * Chunk::kCapacity;

  [[nodiscard]] bool empty() const noexcept { return used_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return used_; }
  [[nodiscard]] std::size_t room() const noexcept { return kCapacity - used_; }

  /// Takes as much of `text` as fits, and says how much that was.
  std::size_t append(std::string_view text) {
    std::size_t taken = 0;
    while (taken < text.size() && room() > 0) {
      const MutableBytes space = this->space();
      const std::size_t count = std::min(space.size(), text.size() - taken);
      std::memcpy(space.data(), text.data() + taken, count);
      commit(count);
      taken += count;
    }
    return taken;
  }

  /// Where to put bytes, and how many were put; not empty while there is room.
  MutableBytes space() {
    Chunk& chunk = chunks_[used_ / Chunk::kCapacity];
    if (chunk.data() == nullptr) {
      chunk = Chunk::lease();
    }
    return chunk.space();
  }
  void commit(std::size_t count) noexcept {
    chunks_[used_ / Chunk::kCapacity].commit(count);
    used_ += count;
  }

  /// All of it, and then `more` and `end`, if they aren't empty. Valid until the output is changed.
  std::span<const Bytes> pieces(Bytes more = {}, Bytes end = {}) noexcept {
    std::size_t count = 0;
    for (; count < kChunks && !chunks_[count].empty(); ++count) {
      pieces_[count] = chunks_[count].bytes();
    }
    for (const Bytes piece : {more, end}) {
      if (!piece.empty()) {
        pieces_[count++] = piece;
      }
    }
    return std::span(pieces_).first(count);
  }

  void clear() noexcept {
    for (Chunk& chunk : chunks_) {
      if (!chunk.leased()) {
        break;
      }
      chunk = Chunk();
    }
    used_ = 0;
  }

 private:
  std::array<Chunk, kChunks> chunks_;
  std::array<Bytes, kChunks + 2> pieces_;
  std::size_t used_ = 0;  // chunks are filled one after the other, without gaps
};

}  // namespace simul::http
