// Which status says that a file can't be opened, and why.
//
//   const int fd = ::open(path, O_RDONLY);
//   if (fd < 0) return Response::error(status_of_file_error(errno));
#pragma once

#include <cerrno>

namespace simul::http {

[[nodiscard]] constexpr int status_of_file_error(int error) noexcept {
  switch (error) {
    case EACCES:
    case EPERM:
      return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return 503;
    case EIO:
      return 500;
    default:  // there is no such file, or it is one that can't be sent
      return 404;
  }
}

}  // namespace simul::http
