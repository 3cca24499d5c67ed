// Sizes and durations as people write them in a configuration: `64KiB`, `1m30s`.
//
//   auto limit = simul::parse_size("64KiB");          // 65536
//   auto timeout = simul::parse_duration("1m30s");    // 90 s
//   std::string text = simul::format_duration(90s);   // "1m30s"
//
// Values are exact: what can't be represented without rounding, or doesn't fit, is an error whose
// text can stand in a sentence shown to the user. What is formatted parses back to the same
// value. This is not a number parser for protocols, nor a localised printer.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include <simul/export.hpp>

namespace simul {

/// A number and a unit: B, KiB, MiB, GiB (powers of 1024) or kB, MB, GB (powers of 1000). A bare
/// number is bytes. A fraction is fine as long as it gives whole bytes: `1.5GiB`.
SIMUL_EXPORT std::expected<std::uint64_t, std::string> parse_size(std::string_view text);

/// `64KiB`, `10kB`, `1023B`, `0`: the shortest of the texts that mean exactly this size.
SIMUL_EXPORT std::string format_size(std::uint64_t bytes);

/// Numbers with units ns, us, ms, s, m, h, d, from large to small: `250us`, `1m30s`, `1.5s`. The
/// last number may have a fraction. Only zero may stand without a unit. Never negative.
SIMUL_EXPORT std::expected<std::chrono::nanoseconds, std::string> parse_duration(
    std::string_view text);

/// `1d2h`, `1m30.5s`, `250us`, `0s`; a minus sign in front of a negative duration.
SIMUL_EXPORT std::string format_duration(std::chrono::nanoseconds duration);

}  // namespace simul
