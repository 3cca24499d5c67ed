// One thing wrong with a configuration, and how a person is told about it.
//
//   simul.yaml:2:3: error: unknown key 'treads' in server
//       2 |   treads: 4
//         |   ^
//         = allowed: threads, max_connections, shutdown_timeout, stall_threshold
//         = did you mean 'threads'?
//
// A diagnostic carries all it needs to be shown, the source line included, so it outlives the text
// it is about and diagnostics of several files can stand in one list.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace simul::config {

struct Diagnostic {
  std::string file;
  /// Both count from 1; a column is a character, not a byte. Line 0: the error isn't about a place
  /// in the file (it can't be read, say), and there is no excerpt.
  std::size_t line = 0;
  std::size_t column = 0;
  std::string message;     ///< the cause in one sentence, without a full stop
  std::string allowed;     ///< what would be right; may be empty
  std::string suggestion;  ///< what was probably meant; may be empty
  /// The source line, fit for a terminal: tabs are spaces, control characters are replaced, and a
  /// very long line is cut around the error.
  std::string excerpt;
  std::size_t caret = 0;  ///< terminal cells in `excerpt` before the error
};

/// `file:line:column: error: message`, one line, for logs and editors.
std::string summary(const Diagnostic& diagnostic);

/// All of them as shown above, each ending with a newline.
std::string render(std::span<const Diagnostic> diagnostics);

}  // namespace simul::config
