// Pattern: what a connection sends, byte by byte, without keeping it: its stream is cut from one random
// pool that all connections share. Where a piece begins in the pool depends on the connection and the
// position, so a flipped, lost or doubled byte and bytes of another connection are all found.
//
//   Bytes part = pattern.at(stream, position);                       // as much as lies together there
//   auto wrong = pattern.first_difference(stream, position, received);
//
// Two unrelated places of streams look the same with a probability of one in a million: a single mix-up
// could hide in that, a server that mixes up can't. This is a check against mistakes, not forgery.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <simul/chunk.hpp>

namespace simul::load {

class Pattern {
 public:
  /// Another seed, another pool: bytes left over from an earlier run are found, too.
  explicit Pattern(std::uint64_t seed);

  /// The bytes of `stream` from `position` on; never empty, at most kPiece.
  [[nodiscard]] Bytes at(std::uint64_t stream, std::uint64_t position) const noexcept {
    const std::uint64_t within = position % kPiece;
    const std::uint64_t start = mix(stream * kOdd + position / kPiece) % kPiece;
    return {pool_.data() + start + within, static_cast<std::size_t>(kPiece - within)};
  }

  /// The index of the first byte of `bytes` that isn't what `stream` has there.
  [[nodiscard]] std::optional<std::size_t> first_difference(std::uint64_t stream,
                                                            std::uint64_t position,
                                                            Bytes bytes) const noexcept;

  static constexpr std::uint64_t kPiece = std::uint64_t{1} << 20;

 private:
  static constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;

  /// The finalizer of SplitMix64: every bit of the result depends on every bit of `value`.
  static constexpr std::uint64_t mix(std::uint64_t value) noexcept {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
  }

  std::vector<std::byte> pool_;  // twice kPiece, so that no piece wraps
};

}  // namespace simul::load
