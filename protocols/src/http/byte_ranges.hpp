// Byte ranges (RFC 9110, 14): what the value of a field Range asks for.
//
//   ByteRanges wanted = parse_byte_ranges("bytes=0-99, -100", 1000);
//   wanted.kind == ByteRanges::Kind::some;   // wanted.ranges: {0, 100}, {900, 100}
//
// Ranges that overlap, or lie so close that what has to stand between them would be longer than what they
// leave out, become one, so that no answer is much longer than the whole; otherwise they keep their order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace simul::http {

struct ByteRange {
  std::uint64_t offset;
  std::uint64_t size;
  bool operator==(const ByteRange&) const = default;
};

struct ByteRanges {
  enum class Kind : std::uint8_t {
    whole,  ///< malformed, another unit, or too many: as if nothing had been asked for
    some,
    none,  ///< there is nothing where it asks for something: 416
  };
  /// More are an attack rather than a wish.
  static constexpr std::size_t kMost = 16;
  /// What stands between two parts of multipart/byteranges, about.
  static constexpr std::uint64_t kGap = 128;

  Kind kind = Kind::whole;
  std::vector<ByteRange> ranges;
};

/// `size`: of what there is.
[[nodiscard]] ByteRanges parse_byte_ranges(std::string_view value, std::uint64_t size);

}  // namespace simul::http
