#include <fcntl.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <utility>

#include <simul/socket.hpp>

#include "loop_access.hpp"
#include "os/socket_calls.hpp"
#include "watch.hpp"

namespace simul {
namespace {

using detail::FdWatch;

constexpr std::size_t kMaxPieces = 64;  // of one sendmsg; what is over goes with the next

bool would_block(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK; }

FdWatch::Op watch_op(StreamOp operation) noexcept {
  static_assert(static_cast<int>(StreamOp::recv) == static_cast<int>(FdWatch::Op::recv));
  static_assert(static_cast<int>(StreamOp::send) == static_cast<int>(FdWatch::Op::send));
  static_assert(static_cast<int>(StreamOp::closed) == static_cast<int>(FdWatch::Op::closed));
  return static_cast<FdWatch::Op>(operation);
}

/// As os::send, of several pieces.
ssize_t send_pieces(int fd, Bytes first, std::span<const Bytes> rest) noexcept {
  std::array<iovec, kMaxPieces> pieces;
  std::size_t count = 0;
  auto add = [&](Bytes bytes) {
    pieces[count++] = {const_cast<std::byte*>(bytes.data()), bytes.size()};
  };
  add(first);
  for (const Bytes bytes : rest.first(std::min(rest.size(), kMaxPieces - 1))) {
    add(bytes);
  }
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = count;
  const ssize_t sent = ::sendmsg(fd, &message, MSG_NOSIGNAL);
  return sent < 0 ? -errno : sent;
}

template <typename GetName>
Endpoint endpoint_by(int fd, GetName get_name) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (get_name(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return {};
  }
  return Endpoint::from_sockaddr(address, length);
}

}  // namespace

SocketStream::SocketStream(SocketStream&& other) noexcept
    : Stream(static_cast<Stream&&>(other)),
      ended_(other.ended_),
      peer_done_(other.peer_done_),
      fd_(std::exchange(other.fd_, -1)),
      error_(other.error_),
      watch_(std::exchange(other.watch_, nullptr)) {}

SocketStream& SocketStream::operator=(SocketStream&& other) noexcept {
  close();
  Stream::operator=(static_cast<Stream&&>(other));  // its part only
  watch_ = std::exchange(other.watch_, nullptr);
  fd_ = std::exchange(other.fd_, -1);
  error_ = other.error_;
  ended_ = other.ended_;
  peer_done_ = other.peer_done_;
  return *this;
}

SocketStream::~SocketStream() { close(); }

Endpoint SocketStream::peer_endpoint() const { return endpoint_by(fd_, ::getpeername); }
Endpoint SocketStream::local_endpoint() const { return endpoint_by(fd_, ::getsockname); }

IoResult SocketStream::fail(int error) noexcept {
  if (error_ == 0) {
    error_ = error;
  }
  return IoResult::failed(detail::PackedError::system(error_));
}

IoResult SocketStream::try_recv(MutableBytes buffer) noexcept {
  if (fd_ >= 0 && !ended_) [[likely]] {
    const ssize_t received = os::receive(fd_, buffer.data(), buffer.size());
    if (received > 0) [[likely]] {
      const auto bytes = static_cast<std::size_t>(received);
      return IoResult::moved(
          bytes, bytes < buffer.size() && watch_ != nullptr && watch_->drained(FdWatch::kReadable));
    }
    return nothing_received(buffer, static_cast<int>(-received));
  }
  return IoResult::failed(fd_ < 0 ? Errc::closed : Errc::end_of_stream);
}

IoResult SocketStream::nothing_received(MutableBytes buffer, int error) noexcept {
  if (error == EINTR) {
    return try_recv(buffer);
  }
  if (error != 0 && !would_block(error)) {
    return fail(error);
  }
  if (error_ != 0) {
    // What came before a failed send was read; then comes that failure, and no clean end.
    return fail(error_);
  }
  if (error == 0) {
    ended_ = true;
    if (watch_ != nullptr) {
      watch_->end_of_stream();
    }
    return IoResult::failed(Errc::end_of_stream);
  }
  if (watch_ != nullptr) {
    watch_->drained(FdWatch::kReadable);
  }
  return IoResult::would_block(Interest::readable);
}

IoResult SocketStream::try_send(Bytes first, std::span<const Bytes> rest) noexcept {
  if (fd_ >= 0 && error_ == 0) [[likely]] {
    const ssize_t sent =
        rest.empty() ? os::send(fd_, first.data(), first.size()) : send_pieces(fd_, first, rest);
    if (sent > 0) [[likely]] {
      return IoResult::moved(static_cast<std::size_t>(sent));
    }
    return nothing_sent(first, rest, static_cast<int>(-sent));
  }
  return fd_ < 0 ? IoResult::failed(Errc::closed) : fail(error_);
}

IoResult SocketStream::nothing_sent(Bytes first, std::span<const Bytes> rest, int error) noexcept {
  if (error == EINTR) {
    return try_send(first, rest);
  }
  if (!would_block(error)) {
    return fail(error);
  }
  if (watch_ != nullptr) {
    watch_->drained(FdWatch::kWritable);
  }
  return IoResult::would_block(Interest::writable);
}

IoResult SocketStream::try_send_file(int file, std::uint64_t offset, std::size_t count) noexcept {
  if (fd_ < 0 || error_ != 0) {
    return fd_ < 0 ? IoResult::failed(Errc::closed) : fail(error_);
  }
  ssize_t sent = 0;
  do {
    auto from = static_cast<off_t>(offset);
    sent = ::sendfile(fd_, file, &from, count);
  } while (sent < 0 && errno == EINTR);
  if (sent > 0) {
    return IoResult::moved(static_cast<std::size_t>(sent));
  }
  if (sent == 0) {
    return IoResult::failed(Errc::short_file);
  }
  switch (errno) {
    case EINVAL:
    case ENOSYS:
    case ESPIPE:  // not every file can be sent like that; if it can't be read either, that says why
      return Stream::try_send_file(file, offset, count);
    case EBADF:
    case EIO:
    case ENOMEM:
    case EOVERFLOW:  // the file's error, and not the connection's
      return IoResult::failed(detail::PackedError::system(errno));
    default:
      return nothing_sent({}, {}, errno);
  }
}

std::error_code SocketStream::try_shutdown() noexcept {
  if (fd_ < 0) {
    return Errc::closed;
  }
  return ::shutdown(fd_, SHUT_WR) == 0 ? std::error_code()
                                       : std::error_code(errno, std::system_category());
}

IoResult SocketStream::try_closed() noexcept {
  if (fd_ < 0) {
    return IoResult::failed(Errc::closed);
  }
  if (error_ != 0) {
    return fail(error_);
  }
  pollfd state{.fd = fd_, .events = POLLRDHUP, .revents = 0};
  ::poll(&state, 1, 0);
  if ((state.revents & POLLERR) != 0) {
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
    return fail(error != 0 ? error : ECONNRESET);
  }
  if ((state.revents & POLLHUP) != 0) {
    return IoResult::failed(Errc::end_of_stream);
  }
  peer_done_ = (state.revents & POLLRDHUP) != 0;
  return IoResult::would_block(Interest::readable);
}

std::error_code SocketStream::wait(StreamOp operation, Interest interest, Leaf& leaf) noexcept {
  if (fd_ < 0) [[unlikely]] {
    return Errc::closed;
  }
  if (watch_ == nullptr) [[unlikely]] {
    if (const std::error_code error = start_watching(leaf.loop())) {
      return error;
    }
  }
  assert(watch_->watched_by(leaf.loop()) &&
         "a stream belongs to the loop on which it first waited");
  auto events = static_cast<std::uint8_t>(interest);
  if (operation == StreamOp::closed) [[unlikely]] {
    // Once the peer has finished sending, that would be reported for ever: only the rest is news.
    events = peer_done_ ? FdWatch::kHangup : FdWatch::kPeerDone;
  }
  return watch_->wait(watch_op(operation), events, leaf);
}

std::error_code SocketStream::start_watching(Loop& loop) noexcept {
  std::error_code error;
  watch_ = FdWatch::open(loop, fd_, error);
  if (watch_ != nullptr && ended_) {
    watch_->end_of_stream();
  }
  return error;
}

void SocketStream::forget(StreamOp operation) noexcept {
  if (watch_ != nullptr) {
    watch_->forget(watch_op(operation));
  }
}

void SocketStream::close(CloseMode mode) noexcept {
  if (fd_ < 0) {
    return;
  }
  if (mode == CloseMode::abort) {
    const ::linger reset{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }
  ::close(release());
}

int SocketStream::release() noexcept {
  if (watch_ != nullptr) {
    watch_->wake_all();
    std::exchange(watch_, nullptr)->close();
  }
  return std::exchange(fd_, -1);
}

}  // namespace simul
