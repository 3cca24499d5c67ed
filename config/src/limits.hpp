// How much a configuration may ask of the one who reads it. Far above what a person writes; low
// enough that a hostile file is refused in milliseconds.
#pragma once

#include <cstddef>

namespace simul::config {

constexpr std::size_t kMaxFileSize = 1 << 20;
constexpr std::size_t kMaxDepth = 32;
/// Aliases count as all that they stand for: nine lines can stand for 10^9 values.
constexpr std::size_t kMaxValues = 100'000;
constexpr std::size_t kMaxExpandedText = 4 << 20;

}  // namespace simul::config
