// A configuration file's text, and where in it a byte offset is.
//
//   Source source(text, "simul.yaml");
//   Diagnostic diagnostic = source.at(offset);   // file, line, column, excerpt and caret filled in
//
// It refers to the text it was made from. It doesn't know that the text is YAML.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <simul/config/diagnostic.hpp>

namespace simul::config {

class Source {
 public:
  Source(std::string_view text, std::string_view filename);

  /// Without a byte order mark. All offsets count from here.
  std::string_view text() const { return text_; }
  const std::string& filename() const { return filename_; }

  /// Counts from 1.
  std::size_t line_number(std::size_t offset) const;
  /// Without its line break.
  std::string_view line_around(std::size_t offset) const;
  std::size_t line_start(std::size_t offset) const;

  /// A diagnostic without a message.
  Diagnostic at(std::size_t offset) const;

 private:
  std::string_view text_;
  std::string filename_;
  std::vector<std::size_t> line_starts_;
};

}  // namespace simul::config
