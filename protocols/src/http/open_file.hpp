// OpenFile: a regular file that is open for reading, with what was known of it then. Answers on their way
// share it.
//
//   auto file = std::make_shared<const OpenFile>(fd, status);
//
// It has no position: who reads says from where.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <ctime>

namespace simul::http {

class OpenFile {
 public:
  /// Takes over the descriptor.
  OpenFile(int fd, const struct stat& status) noexcept
      : fd_(fd), size_(static_cast<std::uint64_t>(status.st_size)), status_(status) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() { ::close(fd_); }

  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] std::time_t modified() const noexcept { return status_.st_mtime; }
  [[nodiscard]] const struct stat& status() const noexcept { return status_; }

 private:
  int fd_;
  std::uint64_t size_;
  struct stat status_;
};

}  // namespace simul::http
