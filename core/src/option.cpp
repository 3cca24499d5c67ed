#include <simul/option.hpp>

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <stdexcept>
#include <system_error>

#include <simul/quote.hpp>
#include <simul/units.hpp>

namespace simul {
namespace {

using Result = std::expected<OptionValue, std::string>;

/// The alternative of OptionValue that holds a type's values.
std::size_t alternative(OptionType type) {
  switch (type) {
    case OptionType::boolean:
      return 1;
    case OptionType::integer:
      return 2;
    case OptionType::size:
      return 3;
    case OptionType::duration:
      return 4;
    case OptionType::string:
    case OptionType::choice:
    case OptionType::path:
      return 5;
    case OptionType::string_list:
      return 6;
    case OptionType::string_map:
    case OptionType::path_map:
      return 7;
  }
  throw std::logic_error("an option has a type that doesn't exist");
}

bool has_bounds(OptionType type) {
  return type == OptionType::integer || type == OptionType::size || type == OptionType::duration;
}

Result parse_boolean(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::unexpected(quote(text) + " is neither true nor false");
}

Result parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) {
    return std::unexpected(quote(text) + " is too large a number");
  }
  if (error != std::errc{} || end != text.data() + text.size()) {
    return std::unexpected(quote(text) + " is not an integer");
  }
  // YAML 1.1 reads 010 as eight, YAML 1.2 as ten.
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.size() > 1 && digits.starts_with('0')) {
    return std::unexpected(quote(text) + " is ambiguous; write it without the leading zero");
  }
  return value;
}

Result parse_list(std::string_view text) {
  if (!text.starts_with('[') || !text.ends_with(']') || text.size() < 2) {
    return std::unexpected(quote(text) + " is not a list");
  }
  text = text.substr(1, text.size() - 2);
  std::vector<std::string> items;
  while (!text.empty()) {
    std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(item.size() + 1, text.size()));
    while (item.starts_with(' '))
      item.remove_prefix(1);
    while (item.ends_with(' '))
      item.remove_suffix(1);
    if (item.empty()) return std::unexpected(std::string("the list has an empty item"));
    items.emplace_back(item);
  }
  return items;
}

/// The type alone, without bounds.
Result parse_type(const OptionSpec& spec, std::string_view text) {
  const auto widen = [](auto parsed) -> Result {
    if (!parsed) return std::unexpected(std::move(parsed).error());
    return OptionValue(*parsed);
  };
  switch (spec.type) {
    case OptionType::boolean:
      return parse_boolean(text);
    case OptionType::integer:
      return parse_integer(text);
    case OptionType::size:
      return widen(parse_size(text));
    case OptionType::duration:
      return widen(parse_duration(text));
    case OptionType::string:
      return std::string(text);
    case OptionType::path:
      if (text.empty()) return std::unexpected(std::string("the path is empty"));
      return std::string(text);
    case OptionType::choice:
      if (std::ranges::find(spec.choices, text) == spec.choices.end()) {
        return std::unexpected(quote(text) + " is not one of the choices");
      }
      return std::string(text);
    case OptionType::string_list:
      return parse_list(text);
    case OptionType::string_map:
    case OptionType::path_map:
      return std::unexpected(std::string("a map has no text form"));
  }
  throw std::logic_error("an option has a type that doesn't exist");
}

[[noreturn]] void bad_table(const OptionSpec& spec, std::string_view problem) {
  throw std::logic_error("option " + quote(spec.name) + ": " + std::string(problem));
}

OptionValue parse_bound(const OptionSpec& spec, std::string_view text) {
  if (!has_bounds(spec.type)) bad_table(spec, "only numbers have a minimum and a maximum");
  Result bound = parse_type(spec, text);
  if (!bound) bad_table(spec, bound.error());
  return std::move(*bound);
}

std::string allowed_range(const OptionSpec& spec) {
  const std::string minimum(spec.minimum);
  const std::string maximum(spec.maximum);
  if (minimum.empty() && maximum.empty()) return "";
  if (maximum.empty()) return " of at least " + minimum;
  if (minimum.empty()) return " of at most " + maximum;
  return " from " + minimum + " to " + maximum;
}

void check_spec(const OptionSpec& spec) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";
  constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_";
  if (spec.name.empty() || !kLetters.contains(spec.name.front()) ||
      spec.name.find_first_not_of(kNameCharacters) != std::string_view::npos) {
    bad_table(spec, "a name is [a-z][a-z0-9_]*");
  }
  if (spec.type == OptionType::choice ? spec.choices.empty()
                                      : spec.type != OptionType::path && !spec.choices.empty()) {
    bad_table(spec, "a choice has choices, a path may have, and nothing else has");
  }
  if (spec.required && !spec.default_value.empty()) {
    bad_table(spec, "what is required needs no default");
  }
  if (!spec.minimum.empty()) parse_bound(spec, spec.minimum);
  if (!spec.maximum.empty()) parse_bound(spec, spec.maximum);
  if (!spec.default_value.empty()) {
    const Result value = parse_option(spec, spec.default_value);
    if (!value) bad_table(spec, "the default " + value.error());
  }
}

}  // namespace

std::expected<OptionValue, std::string> parse_option(const OptionSpec& spec,
                                                     std::string_view text) {
  if (!spec.unset.empty() && text == spec.unset) return OptionValue();
  Result value = parse_type(spec, text);
  if (!value) return value;
  // Values of one spec hold the same alternative, so that the variant compares as the numbers do.
  if (!spec.minimum.empty() && *value < parse_bound(spec, spec.minimum)) {
    return std::unexpected(quote(text) + " is below the minimum of " + std::string(spec.minimum));
  }
  if (!spec.maximum.empty() && *value > parse_bound(spec, spec.maximum)) {
    return std::unexpected(quote(text) + " is above the maximum of " + std::string(spec.maximum));
  }
  return value;
}

std::string_view type_name(OptionType type) {
  switch (type) {
    case OptionType::boolean:
      return "boolean";
    case OptionType::integer:
      return "integer";
    case OptionType::size:
      return "size";
    case OptionType::duration:
      return "duration";
    case OptionType::string:
      return "string";
    case OptionType::choice:
      return "choice";
    case OptionType::path:
      return "path";
    case OptionType::string_list:
      return "list of strings";
    case OptionType::string_map:
      return "map of strings";
    case OptionType::path_map:
      return "map of paths";
  }
  throw std::logic_error("an option has a type that doesn't exist");
}

std::string describe_allowed(const OptionSpec& spec) {
  std::string text;
  switch (spec.type) {
    case OptionType::boolean:
      text = "true or false";
      break;
    case OptionType::integer:
      text = "an integer" + allowed_range(spec);
      break;
    case OptionType::size:
      text = "a size" + allowed_range(spec) + ", such as 64KiB";
      break;
    case OptionType::duration:
      text = "a duration" + allowed_range(spec) + ", such as 30s";
      break;
    case OptionType::string:
      text = "a string";
      break;
    case OptionType::choice:
      for (const std::string_view choice : spec.choices) {
        if (!text.empty()) text += choice == spec.choices.back() ? " or " : ", ";
        text += choice;
      }
      break;
    case OptionType::path:
      text = "a path";
      for (const std::string_view word : spec.choices) {
        text += ", " + std::string(word);
      }
      break;
    case OptionType::string_list:
      text = "a list of strings, such as [a, b]";
      break;
    case OptionType::string_map:
      text = "a map of strings, such as { a: b }";
      break;
    case OptionType::path_map:
      text = "a map of paths, such as { a: ./b }";
      break;
  }
  if (!spec.unset.empty()) text += ", or " + std::string(spec.unset);
  return text;
}

void check_table(std::span<const OptionSpec> specs) {
  for (const OptionSpec& spec : specs) {
    check_spec(spec);
    if (std::ranges::count(specs, spec.name, &OptionSpec::name) > 1) {
      bad_table(spec, "the table has this name twice");
    }
  }
}

OptionValues OptionValues::defaults(std::span<const OptionSpec> specs) {
  check_table(specs);
  OptionValues values;
  values.entries_.reserve(specs.size());
  for (const OptionSpec& spec : specs) {
    Entry entry{.name = std::string(spec.name), .type = spec.type, .value = {}};
    if (!spec.default_value.empty()) entry.value = *parse_option(spec, spec.default_value);
    values.entries_.push_back(std::move(entry));
  }
  return values;
}

void OptionValues::set(std::string_view name, OptionValue value) {
  Entry& entry = entries_[index_of(name)];
  if (value.index() != 0 && value.index() != alternative(entry.type)) {
    throw std::logic_error("option " + quote(name) + " is a " + std::string(type_name(entry.type)));
  }
  entry.value = std::move(value);
}

bool OptionValues::has(std::string_view name) const {
  return entries_[index_of(name)].value.index() != 0;
}

std::size_t OptionValues::index_of(std::string_view name) const {
  const auto entry = std::ranges::find(entries_, name, &Entry::name);
  if (entry == entries_.end()) throw std::logic_error("there is no option " + quote(name));
  return static_cast<std::size_t>(entry - entries_.begin());
}

template <typename T>
const T* OptionValues::get(std::string_view name) const {
  const Entry& entry = entries_[index_of(name)];
  if (alternative(entry.type) != OptionValue(T{}).index()) {
    throw std::logic_error("option " + quote(name) + " is a " + std::string(type_name(entry.type)));
  }
  return std::get_if<T>(&entry.value);
}

template <typename T>
const T& OptionValues::get_or_throw(std::string_view name) const {
  const T* value = get<T>(name);
  if (value == nullptr) throw std::logic_error("option " + quote(name) + " has no value");
  return *value;
}

bool OptionValues::get_bool(std::string_view name) const { return get_or_throw<bool>(name); }

std::int64_t OptionValues::get_integer(std::string_view name) const {
  return get_or_throw<std::int64_t>(name);
}

std::uint64_t OptionValues::get_size(std::string_view name) const {
  return get_or_throw<std::uint64_t>(name);
}

std::chrono::nanoseconds OptionValues::get_duration(std::string_view name) const {
  return get_or_throw<std::chrono::nanoseconds>(name);
}

const std::string& OptionValues::get_string(std::string_view name) const {
  static const std::string kEmpty;
  const std::string* value = get<std::string>(name);
  return value == nullptr ? kEmpty : *value;
}

const std::vector<std::string>& OptionValues::get_list(std::string_view name) const {
  static const std::vector<std::string> kEmpty;
  const auto* value = get<std::vector<std::string>>(name);
  return value == nullptr ? kEmpty : *value;
}

const OptionMap& OptionValues::get_map(std::string_view name) const {
  static const OptionMap kEmpty;
  const auto* value = get<OptionMap>(name);
  return value == nullptr ? kEmpty : *value;
}

}  // namespace simul
