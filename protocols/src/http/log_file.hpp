// LogFile: a file, or the standard output, that lines are appended to.
//
//   LogFile file("/var/log/simul/access.log");
//   std::size_t written = 0;
//   std::error_code error = file.append("a line\n", written);
//
// Before it writes it looks where the path leads: when the file was moved away or removed, there is a new one. What
// nobody reads (a pipe that is full) holds it up for a second at most. It belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

namespace simul::http {

class LogFile {
 public:
  /// Empty: the standard output.
  explicit LogFile(std::string path) noexcept : path_(std::move(path)) {}
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile();

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// Could it be written? Makes nothing.
  [[nodiscard]] std::error_code check() const noexcept;
  /// Opens the file, or makes it.
  std::error_code open() noexcept;
  /// `lines` end with a line feed. After an error `written` says how much of them is in the file.
  std::error_code append(std::string_view lines, std::size_t& written) noexcept;

 private:
  std::error_code follow_path() noexcept;
  std::error_code write_all(std::string_view text, std::size_t& written) noexcept;

  std::string path_;
  int fd_ = -1;
  bool is_regular_ = false;
  bool torn_ = false;  // its last line has no end
};

}  // namespace simul::http
