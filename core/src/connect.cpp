#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <simul/socket.hpp>

namespace simul {

void Connect::fail(int error) noexcept {
  error_ = {error, std::system_category()};
  stream_.reset();
}

bool Connect::await_ready() {
  check_cancelled();
  sockaddr_storage address{};
  const socklen_t length = endpoint_.to_sockaddr(address);
  const int fd = ::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    fail(errno);
    return true;
  }
  stream_.emplace(fd);
  const int on = 1;
  if (endpoint_.family() != Endpoint::Family::local) {
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  if (options_.source.family() != Endpoint::Family::unspecified) {
    // The port is chosen at connect, when the peer is known: the same one may serve several peers.
    ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_storage source{};
    const socklen_t source_length = options_.source.to_sockaddr(source);
    if (::bind(fd, reinterpret_cast<sockaddr*>(&source), source_length) != 0) {
      fail(errno);
      return true;
    }
  }
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), length) == 0) {
    return true;
  }
  if (errno == EINPROGRESS || errno == EINTR) {
    return false;
  }
  fail(errno);
  return true;
}

bool Connect::await_suspend(std::coroutine_handle<>) noexcept {
  error_ = stream_->wait(StreamOp::send, Interest::writable, *this);
  if (error_) {
    stream_.reset();
    return false;
  }
  suspend();
  return true;
}

bool Connect::on_wake() noexcept {
  if (scope_cancelled()) {
    on_cancel();
    mark_cancelled();
    return true;
  }
  const int fd = stream_->native_handle();
  pollfd state{.fd = fd, .events = POLLOUT, .revents = 0};
  if (::poll(&state, 1, 0) == 0) {  // not yet
    error_ = stream_->wait(StreamOp::send, Interest::writable, *this);
    if (error_) {
      stream_.reset();
    }
    return static_cast<bool>(error_);
  }
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) {
    fail(error);
  }
  return true;
}

bool Connect::on_cancel() noexcept {
  stream_->forget(StreamOp::send);
  stream_.reset();
  return true;
}

std::expected<SocketStream, std::error_code> Connect::await_resume() {
  throw_if_cancelled();
  if (error_) {
    return std::unexpected(error_);
  }
  return *std::move(stream_);
}

std::pair<SocketStream, SocketStream> socket_pair() {
  std::array<int, 2> fds{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) != 0) {
    throw std::system_error(errno, std::system_category(), "socketpair");
  }
  return {SocketStream(fds[0]), SocketStream(fds[1])};
}

}  // namespace simul
