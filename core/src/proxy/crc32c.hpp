// CRC-32C (Castagnoli; RFC 4960, appendix B), of text in one piece or in several.
//
//   crc32c("6789", crc32c("12345"))
#pragma once

#include <cstdint>
#include <string_view>

namespace simul::detail {

/// `before` is that of what stands before.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0) noexcept;

}  // namespace simul::detail
