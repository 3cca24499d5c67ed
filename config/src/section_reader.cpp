#include "section_reader.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <simul/config/suggest.hpp>
#include <simul/quote.hpp>

namespace simul::config {
namespace {

std::vector<std::string_view> key_names(const SectionSpec& spec) {
  std::vector<std::string_view> names;
  for (const OptionSpec& key : spec.keys)
    names.push_back(key.name);
  names.insert(names.end(), spec.subsections.begin(), spec.subsections.end());
  return names;
}

std::string join(const std::vector<std::string_view>& words) {
  std::string text;
  for (const std::string_view word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

/// Quotes say "this is text"; sizes and durations are texts that mean something.
bool may_be_quoted(OptionType type) {
  return type != OptionType::boolean && type != OptionType::integer;
}

/// YAML 1.1's booleans, and misspelt words.
std::string suggest_value(const OptionSpec& spec, const std::string& text) {
  if (spec.type == OptionType::boolean) {
    constexpr std::array<std::string_view, 4> kTrue = {"yes", "on", "y", "1"};
    constexpr std::array<std::string_view, 4> kFalse = {"no", "off", "n", "0"};
    constexpr std::array<std::string_view, 2> kWords = {"true", "false"};
    std::string folded = text;
    std::ranges::transform(folded, folded.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (std::ranges::find(kTrue, folded) != kTrue.end()) return "true";
    if (std::ranges::find(kFalse, folded) != kFalse.end()) return "false";
    return suggest(text, kWords);
  }
  std::vector<std::string_view> words(spec.choices.begin(), spec.choices.end());
  if (!spec.unset.empty()) words.push_back(spec.unset);
  return suggest(text, words);
}

}  // namespace

std::string_view kind_name(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::scalar:
      return "a single value";
    case Node::Kind::sequence:
      return "a list";
    case Node::Kind::map:
      return "a map";
  }
  std::unreachable();
}

std::string missing_space_hint(const Node& node) {
  const std::size_t colon = node.plain ? node.text.find(':') : std::string::npos;
  if (colon == std::string::npos || colon + 1 == node.text.size()) return {};
  std::string fixed = node.text;
  fixed.insert(colon + 1, " ");
  const bool fits_a_line = fixed.size() <= 60 && fixed.find_first_of("\n\t") == std::string::npos;
  return fits_a_line ? fixed : std::string();
}

SectionReader::SectionReader(const Node& section, const SectionSpec& spec, std::string where,
                             std::size_t offset, Report& report)
    : section_(section),
      spec_(spec),
      where_(std::move(where)),
      report_(report),
      values_(OptionValues::defaults(spec.keys)) {
  if (section.invalid) return;
  if (section.kind == Node::Kind::map) {
    for (const Member& member : *section.members)
      read_member(member);
  } else if (section.kind != Node::Kind::null) {
    report.add(section.offset, where_ + " must be a map, not " + std::string(kind_name(section)),
               "the keys " + join(key_names(spec)), missing_space_hint(section));
    return;
  }
  report_missing(offset);
}

const Node* SectionReader::find(std::string_view key) const {
  if (section_.kind != Node::Kind::map) return nullptr;
  const auto member = std::ranges::find(*section_.members, key, &Member::key);
  if (member == section_.members->end() || member->value.invalid) return nullptr;
  return &member->value;
}

void SectionReader::read_member(const Member& member) {
  const auto key = std::ranges::find(spec_.keys, member.key, &OptionSpec::name);
  if (key != spec_.keys.end()) {
    if (!member.value.invalid) read_value(*key, member.value);
  } else if (std::ranges::find(spec_.subsections, member.key) == spec_.subsections.end()) {
    report_unknown(member);
  }
}

void SectionReader::report_unknown(const Member& member) {
  const std::vector<std::string_view> names = key_names(spec_);
  report_.add(member.key_offset, "unknown key " + quote(member.key) + " in " + where_,
              names.empty() ? "no keys at all" : join(names), suggest(member.key, names));
}

void SectionReader::report_missing(std::size_t offset) {
  for (const OptionSpec& key : spec_.keys) {
    const auto is_key = [&key](const Member& member) { return member.key == key.name; };
    const bool present =
        section_.kind == Node::Kind::map && std::ranges::any_of(*section_.members, is_key);
    if (key.required && !present) {
      report_.add(offset, "missing key " + quote(key.name) + " in " + where_,
                  std::string(key.help));
    }
  }
}

void SectionReader::reject(const OptionSpec& spec, std::size_t offset, std::string problem,
                           std::string suggestion) {
  report_.add(offset, std::string(spec.name) + ": " + std::move(problem), describe_allowed(spec),
              std::move(suggestion));
}

void SectionReader::read_value(const OptionSpec& spec, const Node& node) {
  const auto is_string = [this, &spec](const Node& item) {
    if (item.kind == Node::Kind::scalar) return true;
    reject(spec, item.offset, "expected a string here, not " + std::string(kind_name(item)));
    return false;
  };
  using enum Node::Kind;
  if (node.kind == null) {
    reject(spec, node.offset, "the value is missing");
  } else if (spec.type == OptionType::string_list) {
    if (node.kind != sequence) {
      reject(spec, node.offset, "expected a list, not " + std::string(kind_name(node)));
      return;
    }
    std::vector<std::string> list;
    for (const Node& item : *node.items) {
      if (!item.invalid && is_string(item)) list.push_back(item.text);
    }
    values_.set(spec.name, std::move(list));
  } else if (spec.type == OptionType::string_map || spec.type == OptionType::path_map) {
    if (node.kind != map) {
      reject(spec, node.offset, "expected a map, not " + std::string(kind_name(node)),
             node.kind == scalar ? missing_space_hint(node) : "");
      return;
    }
    OptionMap entries;
    for (const auto& [key, key_offset, value] : *node.members) {
      if (value.invalid || !is_string(value)) continue;
      if (spec.type == OptionType::path_map && value.text.empty()) {
        reject(spec, value.offset, "the path is empty");
        continue;
      }
      entries.emplace_back(key, value.text);
    }
    values_.set(spec.name, std::move(entries));
  } else if (node.kind != scalar) {
    reject(spec, node.offset, "expected a single value, not " + std::string(kind_name(node)));
  } else if (!node.plain && !may_be_quoted(spec.type)) {
    reject(spec, node.offset, quote(node.text) + " is a string, because of its quotes");
  } else if (auto value = parse_option(spec, node.text); !value) {
    reject(spec, node.offset, value.error(), suggest_value(spec, node.text));
  } else {
    values_.set(spec.name, *std::move(value));
  }
}

}  // namespace simul::config
