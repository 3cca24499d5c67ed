// File: a regular file that is open for reading, and how much of it there is to send.
//
//   File file(fd, size);
//   std::size_t count = file.read(buffer);   // 0: it has become shorter, or can't be read
//
// Reads block. They come from the page cache nearly always, and a thread for each would cost more
// than it saves.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <simul/chunk.hpp>

namespace simul::http {

class File {
 public:
  /// Takes over the descriptor.
  File(int fd, std::uint64_t size) noexcept : fd_(fd), size_(size) {}
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}
  File& operator=(File&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~File() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  /// Reads on, at least one byte if there is one.
  [[nodiscard]] std::size_t read(MutableBytes buffer) noexcept {
    ssize_t count = 0;
    do {
      count = ::read(fd_, buffer.data(), buffer.size());
    } while (count < 0 && errno == EINTR);
    return count < 0 ? 0 : static_cast<std::size_t>(count);
  }

 private:
  int fd_;
  std::uint64_t size_;
};

}  // namespace simul::http
