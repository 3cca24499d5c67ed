// Characters of UTF-8 text: where one ends, and how wide a terminal shows it.
//
// Only what finding, counting and underlining positions needs. It knows nothing of grapheme
// clusters: a combining mark is a character of its own that is zero cells wide.
#pragma once

#include <cstddef>
#include <string_view>

namespace simul::config {

struct Character {
  char32_t code_point;
  std::size_t length;  ///< in bytes; 1 if invalid
  bool valid;          ///< false: overlong, a surrogate, cut off, or no UTF-8 at all
};

/// The character at the front of `text`, which isn't empty.
Character decode(std::string_view text);

/// C0 and C1 control characters, tab and line breaks included.
bool is_control(char32_t code_point);

/// Characters that reorder the text around them: what is seen isn't what is read.
bool is_reordering(char32_t code_point);

/// 0, 1 or 2.
std::size_t cell_width(char32_t code_point);

}  // namespace simul::config
