#include <simul/watch_fd.hpp>

#include <fcntl.h>

#include <stdexcept>
#include <string>

#include "fd_watches.hpp"
#include "loop_access.hpp"
#include "reactor.hpp"

namespace simul {
namespace detail {
namespace {

std::error_code as_busy(const std::error_code& error) noexcept {
  return error == std::errc::file_exists ? std::make_error_code(std::errc::device_or_resource_busy)
                                         : error;
}

/// As FdWatch::open, which makes the descriptor non-blocking: here that isn't ours to decide.
FdWatch* open_watch(Loop& loop, int fd, std::error_code& error) {
  const int flags = ::fcntl(fd, F_GETFL);
  FdWatch* watch = FdWatch::open(loop, fd, error);
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) {
    ::fcntl(fd, F_SETFL, flags);
  }
  return watch;
}

}  // namespace

bool FdWatches::waits(int fd, FdWatch::Op op) const noexcept {
  const auto found = watches_.find(fd);
  return found != watches_.end() && found->second->waits(op);
}

std::error_code FdWatches::wait(Loop& loop, int fd, FdWatch::Op op, FdWatch::Event event,
                                Leaf& leaf) {
  auto found = watches_.find(fd);
  if (found == watches_.end()) {
    std::error_code error;
    found = watches_.emplace(fd, nullptr).first;
    found->second = open_watch(loop, fd, error);
    if (found->second == nullptr) {
      watches_.erase(found);
      return as_busy(error);
    }
  }
  found->second->drained(event);  // what was reported before is old news
  const std::error_code error = found->second->wait(op, event, leaf);
  release(fd);
  return as_busy(error);
}

void FdWatches::forget(int fd, FdWatch::Op op) noexcept {
  if (const auto found = watches_.find(fd); found != watches_.end()) {
    found->second->forget(op);
    release(fd);
  }
}

void FdWatches::release(int fd) noexcept {
  const auto found = watches_.find(fd);
  if (found != watches_.end() && !found->second->waits(FdWatch::Op::recv) &&
      !found->second->waits(FdWatch::Op::send)) {
    found->second->close();
    watches_.erase(found);
  }
}

}  // namespace detail

namespace {

using detail::FdWatch;

FdWatch::Op op_of(WaitFd::For what) noexcept {
  return what == WaitFd::For::readable ? FdWatch::Op::recv : FdWatch::Op::send;
}

detail::FdWatches& watches_of(Loop& loop) noexcept {
  return detail::LoopAccess::reactor(loop).fd_watches();
}

}  // namespace

bool WaitFd::await_ready() const {
  check_cancelled();
  if (watches_of(loop()).waits(fd_, op_of(for_))) {
    throw std::logic_error("another task waits for descriptor " + std::to_string(fd_) + " already");
  }
  return false;
}

bool WaitFd::await_suspend(std::coroutine_handle<>) {
  const FdWatch::Event event = for_ == For::readable ? FdWatch::kReadable : FdWatch::kWritable;
  error_ = watches_of(loop()).wait(loop(), fd_, op_of(for_), event, *this);
  if (error_) {
    return false;
  }
  suspend();
  return true;
}

bool WaitFd::on_wake() noexcept {
  watches_of(loop()).release(fd_);
  return true;
}

bool WaitFd::on_cancel() noexcept {
  watches_of(loop()).forget(fd_, op_of(for_));
  return true;
}

std::expected<void, std::error_code> WaitFd::await_resume() {
  throw_if_cancelled();
  if (error_) {
    return std::unexpected(error_);
  }
  return {};
}

}  // namespace simul
