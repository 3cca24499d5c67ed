// Small readings of YAML's surface, for what yaml-cpp's events don't say: whether a quote is
// closed, where a value begins behind its anchor and tag.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace simul::config {

/// The offset behind the quote that closes the one at `offset`; npos if nothing does.
std::size_t closing_quote(std::string_view text, std::size_t offset);

struct ValueStart {
  std::size_t offset;    ///< of the value itself
  std::string_view tag;  ///< as written; empty if there is none
};

/// Skips the `&anchor` and `!tag` before a value.
ValueStart value_start(std::string_view text, std::size_t offset);

/// Whether a null is written out at `offset` (`~`, `null`), rather than being an absent value.
bool is_written_null(std::string_view text, std::size_t offset);

}  // namespace simul::config
