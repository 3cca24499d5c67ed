// Entity tags (RFC 9110, 8.8.3): what a list of them says about the one that a file has.
//
//   matches_any(R"("a", W/"b")", R"("b")", TagComparison::weak)    // true
//   matches_any(R"("a", W/"b")", R"("b")", TagComparison::strong)  // false
//
// Reading stops at what is no list: what stands behind it matches nothing.
#pragma once

#include <cstdint>
#include <string_view>

namespace simul::http {

/// `strong`: both must be strong, too: the bytes are the same. `weak`: the content is.
enum class TagComparison : std::uint8_t { strong, weak };

[[nodiscard]] bool tags_match(std::string_view a, std::string_view b,
                              TagComparison comparison) noexcept;

/// `list` is a field's value; "*" matches whatever there is.
[[nodiscard]] bool matches_any(std::string_view list, std::string_view tag,
                               TagComparison comparison) noexcept;

}  // namespace simul::http
