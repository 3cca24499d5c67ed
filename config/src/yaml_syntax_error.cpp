#include "yaml_syntax_error.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace simul::config {
namespace {

namespace yaml_says = YAML::ErrorMsg;

struct Explanation {
  std::string_view original;
  std::string_view message;
  std::string_view allowed;
};

constexpr std::string_view kQuoteIt = "quotes around text that has a special meaning in YAML";

// Those whose place yaml-cpp gets right.
const std::array kExplanations = {
    Explanation{yaml_says::FLOW_END, "nothing is open that this bracket could close", ""},
    Explanation{yaml_says::MAP_VALUE,
                "a ':' can't stand here: the indentation is wrong, or it is part of a text",
                kQuoteIt},
    Explanation{yaml_says::MAP_KEY, "a key can't stand here", "keys of one map in one column"},
    Explanation{yaml_says::BLOCK_ENTRY, "a '-' can't stand here",
                "each item of a list on its own line"},
    Explanation{yaml_says::DOC_IN_SCALAR,
                "a document marker within quotes: a closing quote is missing", ""},
    Explanation{yaml_says::UNKNOWN_TOKEN, "text can't begin with this character", kQuoteIt},
    Explanation{yaml_says::UNKNOWN_ANCHOR, "the alias stands for nothing: no anchor has this name",
                "quotes around text that begins with '*'"},
    Explanation{yaml_says::ALIAS_NOT_FOUND, "'*' begins an alias, but no name follows",
                "quotes around text that begins with '*'"},
    Explanation{yaml_says::CHAR_IN_ALIAS, "'*' begins an alias, but its name has a wrong character",
                "quotes around text that begins with '*'"},
    Explanation{yaml_says::ANCHOR_NOT_FOUND, "'&' begins an anchor, but no name follows",
                "quotes around text that begins with '&'"},
    Explanation{yaml_says::CHAR_IN_ANCHOR,
                "'&' begins an anchor, but its name has a wrong character",
                "quotes around text that begins with '&'"},
};

/// The tab, if one indents the line.
std::size_t indenting_tab(const Source& source, std::size_t offset) {
  const std::string_view line = source.line_around(offset);
  const std::string_view indentation = line.substr(0, line.find_first_not_of(" \t"));
  const std::size_t tab = indentation.find('\t');
  return tab == std::string_view::npos ? tab : source.line_start(offset) + tab;
}

bool begins_line(const Source& source, std::size_t offset) {
  const std::size_t start = source.line_start(offset);
  return source.text().substr(start, offset - start).find_first_not_of(' ') ==
         std::string_view::npos;
}

/// A missing quote is noticed where the next one ends the text that the next one should have begun.
bool blame_quote(const YamlTreeBuilder& builder, std::size_t offset, Report& report) {
  const auto& quoted = builder.last_quoted();
  if (!quoted) return false;
  const Source& source = report.source();
  const std::size_t last_line = source.line_number(quoted->end);
  const std::size_t error_line = source.line_number(offset);
  const bool just_behind = error_line == last_line || error_line == last_line + 1;
  if (source.line_number(quoted->begin) == last_line || !just_behind) return false;
  report.add(quoted->begin, "this quote is closed only on line " + std::to_string(last_line) +
                                ", and what follows it makes no sense: is a quote missing?");
  return true;
}

void explain_bracket(const YamlTreeBuilder& builder, std::size_t offset, Report& report) {
  const Source& source = report.source();
  const std::size_t bracket = builder.open_bracket().value_or(offset);
  const bool is_list = bracket < source.text().size() && source.text()[bracket] == '[';
  const std::string closing = is_list ? "']'" : "'}'";
  const std::string_view rest = source.text().substr(offset);
  const bool at_end = rest.find_first_not_of(" \t\r\n") == std::string_view::npos;
  if (at_end || source.line_number(bracket) != source.line_number(offset)) {
    report.add(bracket, "this bracket is never closed", closing + ", and ',' between the values");
  } else {
    report.add(offset, "unexpected text between brackets", "',' or " + closing);
  }
}

}  // namespace

void explain_syntax_error(const YAML::Exception& error, const YamlTreeBuilder& builder,
                          Report& report) {
  const Source& source = report.source();
  const std::string_view text = source.text();
  const std::size_t offset =
      error.mark.is_null() ? 0 : std::min(static_cast<std::size_t>(error.mark.pos), text.size());

  if (const std::size_t tab = indenting_tab(source, offset); tab != std::string_view::npos) {
    report.add(tab, "a tab can't indent YAML", "spaces");
    return;
  }
  if (blame_quote(builder, offset, report)) return;

  const std::string_view original = error.msg;
  if (original == yaml_says::END_OF_MAP || original == yaml_says::END_OF_SEQ) {
    if (begins_line(source, offset)) {
      report.add(offset, "the indentation of this line matches nothing above it",
                 "keys of one map, and items of one list, in one column");
    } else {
      report.add(offset, "unexpected text after the value", "one value");
    }
  } else if (original == yaml_says::END_OF_MAP_FLOW || original == yaml_says::END_OF_SEQ_FLOW) {
    explain_bracket(builder, offset, report);
  } else if (original.starts_with(yaml_says::INVALID_ESCAPE) ||
             original.starts_with(yaml_says::INVALID_UNICODE) ||
             original == yaml_says::INVALID_HEX) {
    const std::size_t backslash = text.substr(0, offset).rfind('\\');
    report.add(backslash == std::string_view::npos ? offset : backslash,
               "the backslash begins no valid escape", "\\\\ for a backslash, or single quotes");
  } else if (const auto known = std::ranges::find(kExplanations, original, &Explanation::original);
             known != kExplanations.end()) {
    report.add(offset, std::string(known->message), std::string(known->allowed));
  } else {
    report.add(offset, "invalid YAML: " + std::string(original));
  }
}

}  // namespace simul::config
