// A time in 32 bits, for what every task remembers: units of 2^20 ns, about a millisecond; it comes round
// after 52 days.
#pragma once

#include <cstdint>

#include <simul/clock.hpp>

namespace simul::detail {

constexpr std::uint32_t coarse(TimePoint time) noexcept {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(time.time_since_epoch().count()) >>
                                    20U);
}

/// How long ago that was, to a unit.
constexpr Duration since_coarse(std::uint32_t then, TimePoint now) noexcept {
  return Duration(static_cast<std::int64_t>(coarse(now) - then) << 20);
}

}  // namespace simul::detail
