#include <simul/http/form.hpp>

#include <algorithm>

#include "http/percent.hpp"

namespace simul::http {
namespace {

std::string decode(std::string_view encoded) {
  std::string decoded;
  decoded.reserve(encoded.size());
  while (!encoded.empty()) {
    if (const std::optional<char> byte = decode_escape(encoded)) {
      decoded += *byte;
      encoded.remove_prefix(3);
    } else {
      decoded += encoded.front() == '+' ? ' ' : encoded.front();
      encoded.remove_prefix(1);
    }
  }
  return decoded;
}

}  // namespace

std::optional<std::string> Form::get(std::string_view name) const {
  const auto found = std::ranges::find(fields_, name, &Field::first);
  return found == fields_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::string> Form::get_all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [field, value] : fields_) {
    if (field == name) {
      values.push_back(value);
    }
  }
  return values;
}

Form parse_form(std::string_view encoded) {
  std::vector<Form::Field> fields;
  while (!encoded.empty()) {
    const std::string_view pair = encoded.substr(0, encoded.find('&'));
    encoded.remove_prefix(std::min(encoded.size(), pair.size() + 1));
    if (pair.empty()) {
      continue;
    }
    const std::size_t equals = std::min(pair.find('='), pair.size());
    fields.emplace_back(decode(pair.substr(0, equals)),
                        decode(pair.substr(std::min(equals + 1, pair.size()))));
  }
  return Form(std::move(fields));
}

}  // namespace simul::http
