#include "figures.hpp"

#include <span>
#include <string_view>

#include <fmt/format.h>

namespace simul::load {
namespace {

/// `value` in the largest of the units, each a thousand times the one before, in which it is at least 1.
std::string three_digits(double value, std::span<const std::string_view> units) {
  while (value >= 999.5 && units.size() > 1) {
    value /= 1000;
    units = units.subspan(1);
  }
  const int decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f} {}", value, decimals, units.front());
}

}  // namespace

std::string grouped(std::uint64_t number) {
  std::string text = fmt::to_string(number);
  for (std::size_t end = text.size(); end > 3; end -= 3) {
    text.insert(end - 3, 1, ',');
  }
  return text;
}

std::string time_of(std::uint64_t nanoseconds) {
  static constexpr std::string_view kUnits[] = {"us", "ms", "s"};
  if (nanoseconds < 1000) {
    return fmt::format("{} ns", nanoseconds);
  }
  return three_digits(static_cast<double>(nanoseconds) / 1000, kUnits);
}

std::string throughput_of(double bytes_per_second) {
  static constexpr std::string_view kUnits[] = {"kB/s", "MB/s", "GB/s"};
  if (bytes_per_second < 1000) {
    return fmt::format("{:.0f} B/s", bytes_per_second);
  }
  return three_digits(bytes_per_second / 1000, kUnits);
}

}  // namespace simul::load
