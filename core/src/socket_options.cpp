// What can be set and asked of a socket, and the taking over of one.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <limits>
#include <utility>

#include <simul/socket.hpp>

namespace simul {
namespace {

std::error_code last_error() noexcept { return {errno, std::system_category()}; }

std::error_code set(int fd, int level, int name, int value) noexcept {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0 ? std::error_code()
                                                                  : last_error();
}

/// `count` as the kernel takes it; what it can't be is left to the kernel to refuse.
int as_int(auto count) noexcept {
  return std::in_range<int>(count) ? static_cast<int>(count) : std::numeric_limits<int>::max();
}

/// Rounded up, for zero means something else.
template <typename Unit>
int units(Duration time) noexcept {
  return as_int(std::chrono::ceil<Unit>(time).count());
}

std::error_code set_keep_alive(int fd, const KeepAlive& wanted) noexcept {
  if (wanted.on) {
    const std::pair<int, int> settings[] = {
        {TCP_KEEPIDLE, units<std::chrono::seconds>(wanted.idle)},
        {TCP_KEEPINTVL, units<std::chrono::seconds>(wanted.interval)},
        {TCP_KEEPCNT, wanted.probes},
    };
    for (const auto& [name, value] : settings) {
      if (const std::error_code error = set(fd, IPPROTO_TCP, name, value)) {
        return error;
      }
    }
  }
  return set(fd, SOL_SOCKET, SO_KEEPALIVE, wanted.on ? 1 : 0);
}

std::error_code check_stream_socket(int fd) noexcept {
  int type = 0;
  socklen_t length = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0) {
    return last_error();
  }
  return type == SOCK_STREAM ? std::error_code()
                             : std::make_error_code(std::errc::wrong_protocol_type);
}

std::error_code make_ours(int fd) noexcept {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
    return last_error();
  }
  return {};
}

}  // namespace

std::expected<SocketStream, std::error_code> SocketStream::adopt(int fd) noexcept {
  std::error_code error = check_stream_socket(fd);
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  if (!error && ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length) != 0) {
    error = last_error();
  }
  if (!error) {
    error = make_ours(fd);
  }
  if (error) {
    return std::unexpected(error);
  }
  return SocketStream(fd);
}

std::expected<SocketListener, std::error_code> SocketListener::adopt(int fd) noexcept {
  std::error_code error = check_stream_socket(fd);
  int listens = 0;
  socklen_t length = sizeof listens;
  if (!error && ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) != 0) {
    error = last_error();
  }
  if (!error && listens == 0) {
    error = std::make_error_code(std::errc::invalid_argument);
  }
  if (!error) {
    error = make_ours(fd);
  }
  if (error) {
    return std::unexpected(error);
  }
  return SocketListener(fd);
}

std::expected<PeerCredentials, std::error_code> SocketStream::peer_credentials() const noexcept {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(fd_, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
    return std::unexpected(last_error());
  }
  if (peer.uid == static_cast<uid_t>(-1)) {  // the kernel's way to say that it is no Unix socket
    return std::unexpected(std::make_error_code(std::errc::operation_not_supported));
  }
  return PeerCredentials{.pid = peer.pid, .uid = peer.uid, .gid = peer.gid};
}

std::error_code SocketStream::set_options(const SocketOptions& options) noexcept {
  std::error_code error;
  if (options.no_delay) {
    error = set(fd_, IPPROTO_TCP, TCP_NODELAY, *options.no_delay ? 1 : 0);
  }
  if (!error && options.keep_alive) {
    error = set_keep_alive(fd_, *options.keep_alive);
  }
  if (!error && options.receive_buffer) {
    error = set(fd_, SOL_SOCKET, SO_RCVBUF, as_int(*options.receive_buffer));
  }
  if (!error && options.send_buffer) {
    error = set(fd_, SOL_SOCKET, SO_SNDBUF, as_int(*options.send_buffer));
  }
  if (!error && options.user_timeout) {
    error = set(fd_, IPPROTO_TCP, TCP_USER_TIMEOUT,
                units<std::chrono::milliseconds>(*options.user_timeout));
  }
  return error;
}

}  // namespace simul
