// Text from outside, made fit for a message: `'echo'`, `'a\x1b[2J'`, `'a very long ...'`.
//
//   error = quote(value) + " is not a duration";
//
// Control characters are escaped, so that a message can't move a terminal's cursor or forge a log
// line, and long text is cut. Not an escaping for any language: the result isn't meant to be
// parsed.
#pragma once

#include <string>
#include <string_view>

#include <simul/export.hpp>

namespace simul {

SIMUL_EXPORT std::string quote(std::string_view text);

}  // namespace simul
