#include "http/log_file.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>

namespace simul::http {
namespace {

// Without waiting for whoever might read a pipe. On a regular file O_NONBLOCK means nothing.
constexpr int kFlags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
constexpr mode_t kMode = 0644;  // less the umask
constexpr std::chrono::seconds kPatience(1);

std::error_code last_error() noexcept { return {errno, std::generic_category()}; }

}  // namespace

LogFile::~LogFile() {
  if (fd_ >= 0 && !path_.empty()) {
    ::close(fd_);
  }
}

std::error_code LogFile::check() const noexcept {
  if (path_.empty()) {
    return {};
  }
  if (const int fd = ::open(path_.c_str(), kFlags); fd >= 0) {
    ::close(fd);
    return {};
  }
  if (errno == ENXIO) {  // a pipe that nobody reads yet
    return {};
  }
  if (errno != ENOENT) {
    return last_error();
  }
  try {
    const std::filesystem::path folder = std::filesystem::path(path_).parent_path();
    const char* const name = folder.empty() ? "." : folder.c_str();
    return ::faccessat(AT_FDCWD, name, W_OK | X_OK, AT_EACCESS) == 0 ? std::error_code()
                                                                     : last_error();
  } catch (const std::bad_alloc&) {
    return std::make_error_code(std::errc::not_enough_memory);
  }
}

std::error_code LogFile::open() noexcept {
  const int fd = path_.empty() ? STDOUT_FILENO : ::open(path_.c_str(), kFlags | O_CREAT, kMode);
  if (fd < 0) {
    return last_error();
  }
  if (fd_ >= 0 && !path_.empty()) {
    ::close(fd_);
  }
  fd_ = fd;
  torn_ = false;
  struct stat status{};
  is_regular_ = ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode);
  return {};
}

std::error_code LogFile::follow_path() noexcept {
  if (fd_ < 0) {
    return open();
  }
  if (path_.empty()) {
    return {};
  }
  struct stat ours{};
  struct stat there{};
  if (::fstat(fd_, &ours) != 0) {
    return last_error();
  }
  if (::stat(path_.c_str(), &there) == 0 && there.st_dev == ours.st_dev &&
      there.st_ino == ours.st_ino) {
    return {};
  }
  const std::error_code error = open();
  // One that was moved away, by somebody who hasn't made the new one yet, takes lines as before. One that was
  // removed swallows them.
  return error && ours.st_nlink > 0 ? std::error_code() : error;
}

std::error_code LogFile::append(std::string_view lines, std::size_t& written) noexcept {
  written = 0;
  if (const std::error_code error = follow_path()) {
    return error;
  }
  if (torn_) {
    std::size_t ignored = 0;
    if (const std::error_code error = write_all("\n", ignored)) {
      return error;
    }
    torn_ = false;
  }
  const std::error_code error = write_all(lines, written);
  torn_ = written > 0 ? lines[written - 1] != '\n' : torn_;
  return error;
}

std::error_code LogFile::write_all(std::string_view text, std::size_t& written) noexcept {
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + kPatience;
  while (written < text.size()) {
    std::size_t size = text.size() - written;
    if (!is_regular_) {
      // A pipe that is writable takes PIPE_BUF bytes without blocking (pipe(7)).
      size = std::min<std::size_t>(size, PIPE_BUF);
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
      pollfd state{.fd = fd_, .events = POLLOUT, .revents = 0};
      const int ready = ::poll(&state, 1, static_cast<int>(std::max<long>(left, 0)));
      if (ready == 0) {
        return std::make_error_code(std::errc::timed_out);
      }
      if (ready < 0 && errno != EINTR) {
        return last_error();
      }
    }
    const ssize_t count = ::write(fd_, text.data() + written, size);
    if (count > 0) {
      written += static_cast<std::size_t>(count);
    } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
      return count == 0 ? std::make_error_code(std::errc::io_error) : last_error();
    }
  }
  return {};
}

}  // namespace simul::http
