// Percent-encoding (RFC 3986, 2.1).
//
//   std::string segment;
//   if (!percent_decode("caf%C3%A9", segment)) { ... }   // "café"
//   append_percent_encoded(line, target);                // what may not stand in a target
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace simul::http {

/// The byte of an escape `%41` at the front of `text`.
[[nodiscard]] std::optional<char> decode_escape(std::string_view text) noexcept;

/// False for an escape that isn't one.
[[nodiscard]] bool percent_decode(std::string_view encoded, std::string& decoded);

/// Escapes what no URI may contain, and leaves the rest as it is, its escapes too.
[[nodiscard]] std::string encode_uri(std::string_view text);
/// Escapes what a segment of a path may not contain, slashes and escapes too.
[[nodiscard]] std::string encode_segment(std::string_view text);

}  // namespace simul::http
