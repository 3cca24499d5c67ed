// Reads from an OpenFile, all that was asked for.
//
//   std::string head(100, '\0');
//   if (!read_file(file, 0, head)) { ... }   // it has become shorter, or can't be read
//
// It blocks the thread; see StaticFiles.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

#include "http/open_file.hpp"

namespace simul::http {

[[nodiscard]] inline bool read_file(const OpenFile& file, std::uint64_t offset,
                                    std::span<char> buffer) noexcept {
  while (!buffer.empty()) {
    const ssize_t count =
        ::pread(file.fd(), buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (count > 0) {
      buffer = buffer.subspan(static_cast<std::size_t>(count));
      offset += static_cast<std::uint64_t>(count);
    } else if (count == 0 || errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace simul::http
