#include "http/byte_ranges.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "http/characters.hpp"

namespace simul::http {
namespace {

// One that is too large for any file is as good as the largest.
std::optional<std::uint64_t> parse_number(std::string_view digits) noexcept {
  if (digits.empty() || !std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; })) {
    return std::nullopt;
  }
  std::uint64_t number = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return result.ec == std::errc() ? number : UINT64_MAX;
}

// Of "first-last", "first-" and "-length"; of size 0 where there is nothing.
std::optional<ByteRange> parse_range(std::string_view text, std::uint64_t size) noexcept {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view first_digits = text.substr(0, dash);
  const std::string_view last_digits = text.substr(dash + 1);
  if (first_digits.empty()) {
    const auto length = parse_number(last_digits);
    if (!length) {
      return std::nullopt;
    }
    const std::uint64_t count = std::min(*length, size);
    return ByteRange{.offset = size - count, .size = count};
  }
  const auto first = parse_number(first_digits);
  const auto last = last_digits.empty() ? UINT64_MAX : parse_number(last_digits);
  if (!first || !last || *last < *first) {
    return std::nullopt;
  }
  if (*first >= size) {
    return ByteRange{.offset = size, .size = 0};
  }
  return ByteRange{.offset = *first, .size = std::min(*last, size - 1) - *first + 1};
}

bool nearly_touch(const ByteRange& a, const ByteRange& b) noexcept {
  return a.offset <= b.offset + b.size + ByteRanges::kGap &&
         b.offset <= a.offset + a.size + ByteRanges::kGap;
}

// All that `range` nearly touches becomes one with it, at the place of the first of them. What it doesn't
// nearly touch, they don't either.
void add(std::vector<ByteRange>& ranges, const ByteRange& range) {
  const auto first = std::ranges::find_if(
      ranges, [&](const ByteRange& other) { return nearly_touch(range, other); });
  if (first == ranges.end()) {
    ranges.push_back(range);
    return;
  }
  std::uint64_t begin = range.offset;
  std::uint64_t end = range.offset + range.size;
  const auto absorbed = std::remove_if(first, ranges.end(), [&](const ByteRange& other) {
    if (!nearly_touch(range, other)) {
      return false;
    }
    begin = std::min(begin, other.offset);
    end = std::max(end, other.offset + other.size);
    return true;
  });
  const auto position = first - ranges.begin();
  ranges.erase(absorbed, ranges.end());
  ranges.insert(ranges.begin() + position, ByteRange{.offset = begin, .size = end - begin});
}

}  // namespace

ByteRanges parse_byte_ranges(std::string_view value, std::uint64_t size) {
  static constexpr std::string_view kUnit = "bytes=";
  if (!equal_ignoring_case(value.substr(0, kUnit.size()), kUnit)) {
    return {};
  }
  ByteRanges wanted;
  bool asked = false;  // for anything, and for something that is there
  bool satisfied = false;
  for (std::string_view rest = value.substr(kUnit.size()); !rest.empty();) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(item.size() + 1, rest.size()));
    const std::string_view text = trim(item);
    if (text.empty()) {
      continue;  // a list may have empty elements
    }
    const auto range = parse_range(text, size);
    if (!range) {
      return {};
    }
    asked = true;
    if (range->size > 0) {
      satisfied = true;
      add(wanted.ranges, *range);
      if (wanted.ranges.size() > ByteRanges::kMost) {
        return {};
      }
    } else if (size == 0 && text.starts_with('-') && parse_number(text.substr(1)) != 0) {
      return {};  // the end of nothing is all of it, and no Content-Range could say so
    }
  }
  wanted.kind = satisfied ? ByteRanges::Kind::some
                : asked   ? ByteRanges::Kind::none
                          : ByteRanges::Kind::whole;
  return wanted;
}

}  // namespace simul::http
