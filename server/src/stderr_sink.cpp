#include "stderr_sink.hpp"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

namespace simul::server {
namespace {

/// A pipe that is writable takes PIPE_BUF bytes without blocking (pipe(7)), and a terminal or a file
/// that is takes a line. Longer lines are cut.
bool write_without_blocking(std::string_view line) {
  pollfd state{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (::poll(&state, 1, 0) == 0) {
    return false;
  }
  const std::size_t size = std::min<std::size_t>(line.size(), PIPE_BUF);
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), size);
  return true;  // an error of stderr has nowhere to be told
}

}  // namespace

void StderrSink::sink_it_(const spdlog::details::log_msg& message) {
  if (dropped_ > 0 && write_without_blocking(
                          fmt::format("({} log lines were lost: stderr was full)\n", dropped_))) {
    dropped_ = 0;
  }
  spdlog::memory_buf_t line;
  formatter_->format(message, line);
  if (dropped_ > 0 || !write_without_blocking({line.data(), line.size()})) {
    ++dropped_;
  }
}

}  // namespace simul::server
