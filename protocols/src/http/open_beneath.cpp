#include "http/open_beneath.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <string_view>
#include <utility>

namespace simul::http {
namespace {

constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

}  // namespace

int open_without_symlinks(int folder, const char* path) noexcept {
  std::string_view rest = path;
  int current = folder;
  for (;;) {
    const std::size_t slash = rest.find('/');
    const std::string_view name = rest.substr(0, slash);
    std::array<char, NAME_MAX + 1> segment;
    int next = -1;
    if (name.empty() || name == ".." || name.size() > NAME_MAX) {
      errno = ENOENT;
    } else {
      segment[name.copy(segment.data(), name.size())] = '\0';
      const int kind = slash == std::string_view::npos ? kFlags : O_PATH | O_DIRECTORY | O_CLOEXEC;
      next = ::openat(current, segment.data(), kind | O_NOFOLLOW);
    }
    if (current != folder) {
      const int error = errno;
      ::close(current);
      errno = error;
    }
    if (next < 0 || slash == std::string_view::npos) {
      return next;
    }
    current = next;
    rest.remove_prefix(slash + 1);
  }
}

int open_beneath(int folder, const char* path) noexcept {
  open_how how{};
  how.flags = kFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  // EAGAIN: something was renamed meanwhile, so that the kernel couldn't be sure.
  for (int attempt = 0; attempt < 8; ++attempt) {
    const long fd = ::syscall(SYS_openat2, folder, path, &how, sizeof how);
    if (fd >= 0) {
      return static_cast<int>(fd);
    }
    if (errno == ENOSYS || errno == EPERM) {  // EPERM: a sandbox that doesn't know it
      return open_without_symlinks(folder, path);
    }
    if (errno != EAGAIN) {
      break;
    }
  }
  return -1;
}

}  // namespace simul::http
