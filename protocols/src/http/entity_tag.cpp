#include "http/entity_tag.hpp"

#include <algorithm>
#include <cstddef>

#include "http/characters.hpp"

namespace simul::http {
namespace {

constexpr std::string_view kWeak = "W/";

std::string_view without_weakness(std::string_view tag) noexcept {
  tag.remove_prefix(tag.starts_with(kWeak) ? kWeak.size() : 0);
  return tag;
}

bool is_tag_char(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte > ' ' && byte != '"' && byte != 0x7f;
}

// The tag at the front of `list`, empty if there is none; it may contain commas.
std::string_view first_tag(std::string_view list) noexcept {
  const std::size_t open = list.starts_with(kWeak) ? kWeak.size() : 0;
  if (!list.substr(open).starts_with('"')) {
    return {};
  }
  const std::size_t close = list.find('"', open + 1);
  if (close == std::string_view::npos ||
      !std::ranges::all_of(list.substr(open + 1, close - open - 1), is_tag_char)) {
    return {};
  }
  return list.substr(0, close + 1);
}

}  // namespace

bool tags_match(std::string_view a, std::string_view b, TagComparison comparison) noexcept {
  if (comparison == TagComparison::strong) {
    return a == b && !a.starts_with(kWeak);
  }
  return without_weakness(a) == without_weakness(b);
}

bool matches_any(std::string_view list, std::string_view tag, TagComparison comparison) noexcept {
  if (trim(list) == "*") {
    return true;
  }
  for (;;) {
    list.remove_prefix(std::min(list.find_first_not_of(" \t,"), list.size()));
    const std::string_view candidate = first_tag(list);
    if (candidate.empty()) {
      return false;
    }
    list = trim(list.substr(candidate.size()));
    if (!list.empty() && !list.starts_with(',')) {
      return false;
    }
    if (tags_match(candidate, tag, comparison)) {
      return true;
    }
  }
}

}  // namespace simul::http
