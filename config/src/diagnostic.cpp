#include <simul/config/diagnostic.hpp>

#include <algorithm>

namespace simul::config {
namespace {

void append_note(std::string& text, std::size_t indent, const std::string& note) {
  text.append(indent, ' ') += "= " + note + "\n";
}

}  // namespace

std::string summary(const Diagnostic& diagnostic) {
  std::string text = diagnostic.file;
  if (diagnostic.line != 0) {
    text += ':' + std::to_string(diagnostic.line) + ':' + std::to_string(diagnostic.column);
  }
  return text + ": error: " + diagnostic.message;
}

std::string render(std::span<const Diagnostic> diagnostics) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics) {
    text += summary(diagnostic) + '\n';
    std::size_t gutter = 0;
    if (diagnostic.line != 0) {
      const std::string number = std::to_string(diagnostic.line);
      gutter = std::max<std::size_t>(number.size(), 5) + 1;
      text.append(gutter - 1 - number.size(), ' ') += number + " | " + diagnostic.excerpt + '\n';
      text.append(gutter, ' ') += "| " + std::string(diagnostic.caret, ' ') + "^\n";
    } else {
      gutter = 6;
    }
    if (!diagnostic.allowed.empty()) append_note(text, gutter, "allowed: " + diagnostic.allowed);
    if (!diagnostic.suggestion.empty()) {
      append_note(text, gutter, "did you mean '" + diagnostic.suggestion + "'?");
    }
  }
  return text;
}

}  // namespace simul::config
