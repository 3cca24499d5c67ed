#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <simul/socket.hpp>

#include "loop_access.hpp"
#include "watch.hpp"

namespace simul {

using detail::FdWatch;

SocketListener::SocketListener(SocketListener&& other) noexcept
    : watch_(std::exchange(other.watch_, nullptr)), fd_(std::exchange(other.fd_, -1)) {}

SocketListener& SocketListener::operator=(SocketListener&& other) noexcept {
  close();
  watch_ = std::exchange(other.watch_, nullptr);
  fd_ = std::exchange(other.fd_, -1);
  return *this;
}

SocketListener::~SocketListener() { close(); }

void SocketListener::close() noexcept {
  if (fd_ >= 0) {
    ::close(release());
  }
}

int SocketListener::release() noexcept {
  if (watch_ != nullptr) {
    watch_->wake_all();
    std::exchange(watch_, nullptr)->close();
  }
  return std::exchange(fd_, -1);
}

Endpoint SocketListener::local_endpoint() const {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return {};
  }
  return Endpoint::from_sockaddr(address, length);
}

bool SocketListener::Accept::await_ready() {
  check_cancelled();
  return attempt();
}

bool SocketListener::Accept::await_suspend(std::coroutine_handle<>) noexcept {
  if (!keep_waiting()) {
    return false;
  }
  suspend();
  return true;
}

bool SocketListener::Accept::attempt() noexcept {
  const int fd = listener_.fd_;
  FdWatch* watch = listener_.watch_;
  if (fd < 0) {
    error_ = Errc::closed;
    return true;
  }
  while (watch == nullptr || watch->worth_trying(FdWatch::kReadable)) {
    if (!detail::LoopAccess::budget(loop()).take_attempt()) {
      blocked_ = false;
      return false;
    }
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    accepted_ =
        ::accept4(fd, reinterpret_cast<sockaddr*>(&address), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted_ >= 0) {
      peer_ = Endpoint::from_sockaddr(address, length);
      return true;
    }
    switch (errno) {
      case EAGAIN:
        blocked_ = true;
        if (watch != nullptr) {
          watch->drained(FdWatch::kReadable);
        }
        return false;
      default:
        error_ = {errno, std::system_category()};
        return true;
      case ECONNABORTED:
      case EINTR:
      case EPERM:
      case EPROTO:
      case ENOPROTOOPT:
      case ENETDOWN:
      case ENETUNREACH:
      case EHOSTDOWN:
      case EHOSTUNREACH:
      case ENONET:
        break;  // of a connection that is gone already (accept(2), "Error handling"): the next one
    }
  }
  blocked_ = true;
  return false;
}

bool SocketListener::Accept::keep_waiting() noexcept {
  if (!blocked_) {
    wake();
    detail::LoopAccess::poll_next(loop());
    return true;
  }
  if (listener_.watch_ == nullptr) {
    listener_.watch_ = FdWatch::open(loop(), listener_.fd_, error_);
    if (listener_.watch_ == nullptr) {
      return false;
    }
  }
  error_ = listener_.watch_->wait(FdWatch::Op::recv, FdWatch::kReadable, *this);
  return !error_;
}

bool SocketListener::Accept::on_wake() noexcept {
  if (scope_cancelled()) {
    on_cancel();
    mark_cancelled();
    return true;
  }
  if (!attempt() && keep_waiting()) {
    return false;
  }
  return true;
}

bool SocketListener::Accept::on_cancel() noexcept {
  if (listener_.watch_ != nullptr) {
    listener_.watch_->forget(FdWatch::Op::recv);
  }
  return true;
}

std::expected<SocketListener::Accepted, std::error_code> SocketListener::Accept::await_resume() {
  throw_if_cancelled();
  if (error_) {
    return std::unexpected(error_);
  }
  return Accepted{SocketStream(accepted_), std::move(peer_)};
}

}  // namespace simul
