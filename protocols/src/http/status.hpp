// Status codes and their reason phrases (RFC 9110, 15).
//
//   status_line(404)    // "HTTP/1.1 404 Not Found\r\n"
//   reason_phrase(404)  // "Not Found"
//
// A status without a phrase of its own has an empty one, as RFC 9112, 4 allows.
#pragma once

#include <string>
#include <string_view>

namespace simul::http {

/// Empty: a constant doesn't exist for it; see append_status_line.
[[nodiscard]] std::string_view status_line(int status) noexcept;
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;
/// "404 Not Found"
[[nodiscard]] std::string status_text(int status);

/// Does a response with that status never have a body (RFC 9110, 6.4.1)?
[[nodiscard]] constexpr bool is_bodiless(int status) noexcept {
  return status < 200 || status == 204 || status == 304;
}

}  // namespace simul::http
