#include "source.hpp"

#include <algorithm>

#include "utf8.hpp"

namespace simul::config {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct Excerpt {
  std::string text;
  std::size_t cells = 0;
};

/// `line` as a terminal can show it without moving, reordering or hiding anything.
Excerpt printable(std::string_view line) {
  constexpr std::size_t kTabWidth = 4;
  Excerpt excerpt;
  while (!line.empty()) {
    const Character character = decode(line);
    if (character.code_point == '\t') {
      const std::size_t spaces = kTabWidth - excerpt.cells % kTabWidth;
      excerpt.text.append(spaces, ' ');
      excerpt.cells += spaces;
    } else if (!character.valid || is_control(character.code_point) ||
               is_reordering(character.code_point)) {
      excerpt.text += "\xEF\xBF\xBD";  // the replacement character
      excerpt.cells += 1;
    } else {
      excerpt.text += line.substr(0, character.length);
      excerpt.cells += cell_width(character.code_point);
    }
    line.remove_prefix(character.length);
  }
  return excerpt;
}

/// The nearest offset at or before `offset` at which a character begins.
std::size_t character_start(std::string_view text, std::size_t offset) {
  const auto is_continuation = [&](std::size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
  };
  // No character is longer than four bytes; more continuation bytes than that aren't UTF-8.
  for (int i = 0; i < 3 && offset > 0 && is_continuation(offset); ++i)
    --offset;
  return offset;
}

void cut_out(Diagnostic& diagnostic, std::string_view line, std::size_t offset) {
  constexpr std::size_t kLongestLine = 160;
  constexpr std::size_t kBefore = 60;
  constexpr std::size_t kAfter = 60;
  std::size_t begin = 0;
  std::size_t end = line.size();
  if (line.size() > kLongestLine) {
    if (offset > kBefore) begin = character_start(line, offset - kBefore);
    if (end - offset > kAfter) end = character_start(line, offset + kAfter);
  }
  const std::string_view dots = "... ";
  Excerpt excerpt = printable(line.substr(begin, offset - begin));
  diagnostic.caret = excerpt.cells;
  // The whole line at once, because a tab's width depends on what stands before it.
  diagnostic.excerpt = printable(line.substr(begin, end - begin)).text;
  if (begin > 0) {
    diagnostic.excerpt.insert(0, dots);
    diagnostic.caret += dots.size();
  }
  if (end < line.size()) diagnostic.excerpt += " ...";
}

}  // namespace

Source::Source(std::string_view text, std::string_view filename)
    : text_(text), filename_(filename), line_starts_{0} {
  if (text_.starts_with(kByteOrderMark)) text_.remove_prefix(kByteOrderMark.size());
  for (std::size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '\n') line_starts_.push_back(i + 1);
  }
}

std::size_t Source::line_number(std::size_t offset) const {
  const auto next = std::ranges::upper_bound(line_starts_, offset);
  return static_cast<std::size_t>(next - line_starts_.begin());
}

std::size_t Source::line_start(std::size_t offset) const {
  return line_starts_[line_number(offset) - 1];
}

std::string_view Source::line_around(std::size_t offset) const {
  std::string_view line = text_.substr(line_start(offset));
  line = line.substr(0, line.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

Diagnostic Source::at(std::size_t offset) const {
  offset = std::min(offset, text_.size());
  // An error at the very end is better shown after the last text than on the empty line behind it.
  const std::size_t last = text_.find_last_not_of(" \t\r\n");
  if (last != std::string_view::npos && offset > last + 1) offset = last + 1;
  offset = character_start(text_, offset);

  Diagnostic diagnostic{.file = filename_, .line = line_number(offset)};
  const std::size_t start = line_start(offset);
  const std::string_view line = line_around(offset);
  offset = std::min(offset - start, line.size());
  for (std::size_t i = 0; i < offset; i += decode(line.substr(i)).length)
    ++diagnostic.column;
  ++diagnostic.column;
  cut_out(diagnostic, line, offset);
  return diagnostic;
}

}  // namespace simul::config
