#include "pattern.hpp"

#include <algorithm>
#include <cstring>

namespace simul::load {

Pattern::Pattern(std::uint64_t seed) : pool_(2 * kPiece) {
  for (std::size_t i = 0; i < pool_.size(); i += sizeof seed) {
    seed += kOdd;
    const std::uint64_t word = mix(seed);
    std::memcpy(pool_.data() + i, &word, sizeof word);
  }
}

std::optional<std::size_t> Pattern::first_difference(std::uint64_t stream, std::uint64_t position,
                                                     Bytes bytes) const noexcept {
  std::size_t compared = 0;
  while (compared < bytes.size()) {
    const Bytes wanted = at(stream, position + compared);
    const std::size_t size = std::min(wanted.size(), bytes.size() - compared);
    const std::byte* received = bytes.data() + compared;
    if (std::memcmp(wanted.data(), received, size) != 0) {
      const auto different = std::mismatch(wanted.data(), wanted.data() + size, received).first;
      return compared + static_cast<std::size_t>(different - wanted.data());
    }
    compared += size;
  }
  return std::nullopt;
}

}  // namespace simul::load
