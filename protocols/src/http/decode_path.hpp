// Percent-decoding of a request's path.
//
//   std::string path;
//   if (!decode_path("/caf%C3%A9", path)) { ... }   // "/café"
//
// It decodes once and nothing else: dots, empty segments and the like are the business of whoever
// gives them a meaning.
#pragma once

#include <string>
#include <string_view>

namespace simul::http {

/// False for an escape that isn't one, and for those that would change what the path is made of: an
/// encoded slash or NUL.
[[nodiscard]] bool decode_path(std::string_view encoded, std::string& decoded);

}  // namespace simul::http
