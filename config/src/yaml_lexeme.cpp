#include "yaml_lexeme.hpp"

#include <algorithm>
#include <array>

namespace simul::config {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

std::size_t skip_space_and_comments(std::string_view text, std::size_t offset) {
  for (;;) {
    offset = std::min(text.find_first_not_of(kSpace, offset), text.size());
    if (offset == text.size() || text[offset] != '#') return offset;
    offset = std::min(text.find('\n', offset), text.size());
  }
}

}  // namespace

std::size_t closing_quote(std::string_view text, std::size_t offset) {
  const char quote = text[offset];
  for (std::size_t i = offset + 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      const bool doubled = quote == '\'' && i + 1 < text.size() && text[i + 1] == quote;
      if (!doubled) return i + 1;
      ++i;
    }
  }
  return std::string_view::npos;
}

ValueStart value_start(std::string_view text, std::size_t offset) {
  ValueStart start{.offset = offset, .tag = {}};
  while (start.offset < text.size() && (text[start.offset] == '&' || text[start.offset] == '!')) {
    const std::size_t end = std::min(text.find_first_of(" \t\r\n,[]{}", start.offset), text.size());
    if (text[start.offset] == '!') start.tag = text.substr(start.offset, end - start.offset);
    start.offset = skip_space_and_comments(text, end);
  }
  return start;
}

bool is_written_null(std::string_view text, std::size_t offset) {
  constexpr std::array<std::string_view, 4> kNulls = {"~", "null", "Null", "NULL"};
  text = text.substr(std::min(offset, text.size()));
  return std::ranges::any_of(kNulls,
                             [text](std::string_view null) { return text.starts_with(null); });
}

}  // namespace simul::config
