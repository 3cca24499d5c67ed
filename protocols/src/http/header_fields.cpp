#include <simul/http/header_fields.hpp>

#include "http/characters.hpp"

namespace simul::http {

HeaderFields::Iterator& HeaderFields::Iterator::operator++() noexcept {
  if (rest_.empty()) {
    ended_ = true;
    field_ = {};
    return *this;
  }
  const std::string_view line = rest_.substr(0, rest_.find('\r'));
  rest_.remove_prefix(line.size() + 2);
  const std::size_t colon = line.find(':');
  field_ = {.name = line.substr(0, colon), .value = trim(line.substr(colon + 1))};
  return *this;
}

std::optional<std::string_view> HeaderFields::find(std::string_view name) const noexcept {
  for (const HeaderField& field : *this) {
    if (equal_ignoring_case(field.name, name)) {
      return field.value;
    }
  }
  return std::nullopt;
}

}  // namespace simul::http
