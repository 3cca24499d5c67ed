// The date as HTTP writes it: "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7).
//
//   output.append(current_date());
//   if (auto time = parse_date(value)) ...
#pragma once

#include <array>
#include <ctime>
#include <optional>
#include <string_view>

namespace simul::http {

using DateText = std::array<char, 29>;

[[nodiscard]] DateText format_date(std::time_t time) noexcept;

/// Of the three forms that RFC 9110, 5.6.7 wants understood. `now` says which century a year of two digits
/// belongs to.
[[nodiscard]] std::optional<std::time_t> parse_date(std::string_view text,
                                                    std::time_t now = std::time(nullptr)) noexcept;

/// Of now, formatted at most once a second. Valid until this thread calls it again.
[[nodiscard]] std::string_view current_date() noexcept;

}  // namespace simul::http
