// Numbers for people: 1,234,567, 41.3 us, 12.5 MB/s.
#pragma once

#include <cstdint>
#include <string>

namespace simul::load {

/// With a comma between groups of three digits.
[[nodiscard]] std::string grouped(std::uint64_t number);
/// Nanoseconds with three significant digits, in ns, us, ms or s.
[[nodiscard]] std::string time_of(std::uint64_t nanoseconds);
/// Bytes per second in B/s, kB/s, MB/s or GB/s (powers of 1000).
[[nodiscard]] std::string throughput_of(double bytes_per_second);

}  // namespace simul::load
