#include "http/preconditions.hpp"

#include <cstddef>
#include <optional>

#include "http/characters.hpp"
#include "http/date.hpp"
#include "http/entity_tag.hpp"

namespace simul::http {
namespace {

enum class Match : std::uint8_t { absent, none, some };

// Of a list that may come in several lines.
Match match_tags(const HeaderFields& fields, std::string_view name, std::string_view tag,
                 TagComparison comparison) noexcept {
  Match match = Match::absent;
  for (const auto& [field, value] : fields) {
    if (equal_ignoring_case(field, name)) {
      if (matches_any(value, tag, comparison)) {
        return Match::some;
      }
      match = Match::none;
    }
  }
  return match;
}

// The value of a field that must come once.
std::optional<std::string_view> find_only(const HeaderFields& fields,
                                          std::string_view name) noexcept {
  std::optional<std::string_view> found;
  for (const auto& [field, value] : fields) {
    if (equal_ignoring_case(field, name)) {
      if (found) {
        return std::nullopt;
      }
      found = value;
    }
  }
  return found;
}

// A date that isn't one is as if it weren't there.
std::optional<std::time_t> find_date(const HeaderFields& fields, std::string_view name) noexcept {
  const auto value = find_only(fields, name);
  return value ? parse_date(*value) : std::nullopt;
}

}  // namespace

// In the order of RFC 9110, 13.2.2.
Verdict check_preconditions(const RequestHead& head, const Validators& validators) noexcept {
  const HeaderFields& fields = head.fields;
  const Match wanted = match_tags(fields, "If-Match", validators.tag, TagComparison::strong);
  if (wanted == Match::none) {
    return Verdict::failed;
  }
  if (wanted == Match::absent) {
    const auto since = find_date(fields, "If-Unmodified-Since");
    if (since && validators.modified > *since) {
      return Verdict::failed;
    }
  }

  const bool reads = head.method == "GET" || head.method == "HEAD";
  const Match known = match_tags(fields, "If-None-Match", validators.tag, TagComparison::weak);
  if (known == Match::some) {
    return reads ? Verdict::not_modified : Verdict::failed;
  }
  if (known == Match::absent && reads) {
    const auto since = find_date(fields, "If-Modified-Since");
    if (since && validators.modified <= *since) {
      return Verdict::not_modified;
    }
  }
  return Verdict::proceed;
}

bool range_applies(const RequestHead& head, const Validators& validators,
                   std::time_t now) noexcept {
  if (!head.fields.find("If-Range")) {
    return true;
  }
  const std::string_view value = find_only(head.fields, "If-Range").value_or("");
  if (value.starts_with('"') || value.starts_with("W/")) {
    return tags_match(value, validators.tag, TagComparison::strong);
  }
  return parse_date(value, now) == validators.modified && now - validators.modified > 1;
}

}  // namespace simul::http
