// The date as HTTP writes it: "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7).
//
//   output.append(current_date());
#pragma once

#include <array>
#include <ctime>
#include <string_view>

namespace simul::http {

using DateText = std::array<char, 29>;

[[nodiscard]] DateText format_date(std::time_t time) noexcept;

/// Of now, formatted at most once a second. Valid until this thread calls it again.
[[nodiscard]] std::string_view current_date() noexcept;

}  // namespace simul::http
