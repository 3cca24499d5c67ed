// What a header field of ours may be made of, and which ones a handler may set. Whatever a handler gives, no
// second field and no second response can come out of it.
//
//   require_response_field(name, value);   // throws std::invalid_argument
#pragma once

#include <string_view>

namespace simul::http {

/// Throws std::invalid_argument for what is no field (RFC 9110, 5.1 and 5.5), or belongs to the connection.
void require_response_field(std::string_view name, std::string_view value);
/// As above, and for what may not stand in a trailer (RFC 9110, 6.5.1).
void require_trailer_field(std::string_view name, std::string_view value);

/// Neither CR, LF, NUL nor another control character.
[[nodiscard]] bool is_field_value(std::string_view value) noexcept;

}  // namespace simul::http
