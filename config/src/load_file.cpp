#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <simul/config/load.hpp>

#include "limits.hpp"

namespace simul::config {
namespace {

/// Up to one byte more than may be, so that a device without end is noticed, too.
std::expected<std::string, int> read_all(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::unexpected(errno);
  std::string text(kMaxFileSize + 1, '\0');
  std::size_t size = 0;
  int error = 0;
  while (size < text.size()) {
    const ssize_t count = ::read(file, text.data() + size, text.size() - size);
    if (count > 0) {
      size += static_cast<std::size_t>(count);
    } else if (count == 0 || errno != EINTR) {
      error = count == 0 ? 0 : errno;
      break;
    }
  }
  ::close(file);
  if (error != 0) return std::unexpected(error);
  text.resize(size);
  return text;
}

}  // namespace

LoadResult load_file(std::string_view path, std::span<const ProtocolSpec> protocols) {
  const std::expected<std::string, int> text = read_all(std::string(path));
  if (text) return load(*text, path, protocols);
  return std::unexpected(std::vector<Diagnostic>{
      {.file = std::string(path),
       .message = "can't read the file: " + std::generic_category().message(text.error())}});
}

}  // namespace simul::config
