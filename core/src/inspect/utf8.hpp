// UTF-8, as far as JSON asks for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace simul::detail {

/// Of the character at the beginning of `text`, which isn't empty; 0: these bytes are no UTF-8.
[[nodiscard]] std::size_t utf8_length(std::string_view text) noexcept;

/// `code_point` is one: below 0x110000 and no surrogate.
void append_utf8(std::string& text, std::uint32_t code_point);

}  // namespace simul::detail
