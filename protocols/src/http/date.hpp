// The date as HTTP writes it, "Sun, 06 Nov 1994 08:49:37 GMT", and a cache of the current one.
//
//   std::string_view text = dates.now(loop);   // formats at most once a second
//   if (auto time = parse_date(value)) ...
//
// A DateCache belongs to one loop; it is not safe between threads.
#pragma once

#include <array>
#include <ctime>
#include <optional>
#include <string_view>

#include <simul/clock.hpp>
#include <simul/loop.hpp>

namespace simul::http {

using DateText = std::array<char, 29>;

[[nodiscard]] DateText format_date(std::time_t time) noexcept;

/// Of the three forms that RFC 9110, 5.6.7 wants understood. `now` says which century a year of two digits
/// belongs to.
[[nodiscard]] std::optional<std::time_t> parse_date(std::string_view text,
                                                    std::time_t now = std::time(nullptr)) noexcept;

class DateCache {
 public:
  /// Valid until the next call.
  std::string_view now(Loop& loop) noexcept;

 private:
  DateText text_{};
  TimePoint good_until_ = TimePoint::min();
};

}  // namespace simul::http
