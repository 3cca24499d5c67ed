// The rules, each of which was a spin, a lost wake-up or a lost error before it was one:
//
//  - Register at the first EAGAIN, then stay armed: uv_poll_start is always DEL + ADD, so an arm and
//    disarm per message would cost three epoll_ctl. A short connection is often never registered.
//  - A callback that finds nobody waiting disarms that direction and keeps the other: epoll is
//    level-triggered, and a FIN that nobody reads would be reported for ever. One such callback is
//    forgiven, for a handler usually comes back within the turn. What came meanwhile is tried inline
//    before the direction is armed again (worth_trying).
//  - After the end of the stream READABLE is never armed again. kPeerDone and kHangup are one-shot.
//  - A negative status (UV_EBADF after an EPOLLERR) means that libuv has stopped the watch: both sides
//    are woken, try again, and find the error in their system call or arm again.
//  - uv_close first, then ::close: the other order leaves a dead entry in epoll, which spins, when the
//    file description is shared with another process.
#include "watch.hpp"

#include <new>
#include <utility>

#include <simul/detail/frame_pool.hpp>

#include "loop_access.hpp"
#include "reactor.hpp"

namespace simul::detail {

FdWatch& FdWatch::of(uv_poll_t* handle) noexcept { return *reinterpret_cast<FdWatch*>(handle); }

FdWatch* FdWatch::open(Loop& loop, int fd, std::error_code& error) {
  Reactor& reactor = LoopAccess::reactor(loop);
  auto* watch = new (frame_allocate(sizeof(FdWatch))) FdWatch;
  if (const int status = uv_poll_init(reactor.uv(), &watch->handle_, fd); status != 0) {
    error = std::error_code(-status, std::system_category());
    watch->free();
    return nullptr;
  }
  return watch;
}

bool FdWatch::watched_by(Loop& loop) const noexcept {
  return orphaned_ || handle_.loop == LoopAccess::reactor(loop).uv();
}

void FdWatch::free() noexcept {
  this->~FdWatch();
  frame_free(this, sizeof(FdWatch));
}

void FdWatch::close() noexcept {
  if (orphaned_) {
    free();
    return;
  }
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_),
           [](uv_handle_t* handle) { of(reinterpret_cast<uv_poll_t*>(handle)).free(); });
}

void FdWatch::orphan() noexcept {
  orphaned_ = true;
  armed_ = 0;
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_), nullptr);
}

void FdWatch::orphan_all(uv_loop_t& uv) noexcept {
  uv_walk(
      &uv,
      [](uv_handle_t* handle, void*) {
        if (handle->type == UV_POLL && uv_is_closing(handle) == 0) {
          of(reinterpret_cast<uv_poll_t*>(handle)).orphan();
        }
      },
      nullptr);
}

std::error_code FdWatch::arm_and_wait(Op op, std::uint8_t events, Leaf& leaf) noexcept {
  if (orphaned_) {
    return std::make_error_code(std::errc::operation_not_supported);
  }
  if ((hints_ & events) != 0) {
    leaf.wake();
    return {};
  }
  if (waiter(op) != nullptr && waiter(op) != &leaf) {
    return std::make_error_code(std::errc::device_or_resource_busy);
  }
  set_waiter(op, &leaf);
  wanted_[index(op)] = events;
  const auto never = static_cast<std::uint8_t>(ended_ ? kReadable : 0);
  const auto needed = static_cast<std::uint8_t>((armed_ | events) & ~never);
  if (needed != armed_) {
    if (const int status = arm(needed); status != 0) {
      set_waiter(op, nullptr);
      return {-status, std::system_category()};
    }
  }
  return {};
}

/// Fails, and leaves it disarmed, if the loop watches this descriptor for somebody else by now.
int FdWatch::arm(std::uint8_t events) noexcept {
  armed_ = 0;
  unclaimed_ = 0;
  if (events == 0) {
    return uv_poll_stop(&handle_);
  }
  const int status =
      uv_poll_start(&handle_, events, [](uv_poll_t* handle, int error, int happened) {
        of(handle).on_poll(error, static_cast<std::uint8_t>(happened));
      });
  if (status == 0) {
    armed_ = events;
  }
  return status;
}

bool FdWatch::wake(std::uint8_t event) noexcept {
  bool woken = false;
  for (const Op op : {Op::recv, Op::send, Op::closed}) {
    Leaf* leaf = waiter(op);
    if (leaf != nullptr && (wanted_[index(op)] & event) != 0) {
      set_waiter(op, nullptr);
      leaf->wake();
      woken = true;
    }
  }
  return woken;
}

void FdWatch::wake_all() noexcept {
  hints_ = kReadable | kWritable;
  wake(kReadable | kWritable | kPeerDone | kHangup);
}

void FdWatch::on_poll(int status, std::uint8_t events) noexcept {
  static_cast<Reactor*>(handle_.loop->data)->count_callback();
  if (Leaf* reader = waiting_[index(Op::recv)]; events == kReadable && reader != nullptr &&
                                                wanted_[index(Op::recv)] == kReadable) [[likely]] {
    waiting_[index(Op::recv)] = nullptr;
    hints_ |= kReadable;
    unclaimed_ &= static_cast<std::uint8_t>(~kReadable);
    reader->wake();
    return;
  }
  if (status < 0) {
    armed_ = 0;
    unclaimed_ = 0;
    wake_all();
    return;
  }
  std::uint8_t keep = armed_;
  for (const std::uint8_t event : {kReadable, kWritable}) {
    if ((events & event) == 0) {
      continue;
    }
    hints_ |= event;
    if (wake(event)) {
      unclaimed_ &= static_cast<std::uint8_t>(~event);
    } else if ((unclaimed_ & event) != 0) {
      keep &= static_cast<std::uint8_t>(~event);
    } else {
      unclaimed_ |= event;
    }
  }
  for (const std::uint8_t event : {kPeerDone, kHangup}) {
    if ((events & event) != 0) {
      wake(event);
      keep &= static_cast<std::uint8_t>(~event);
    }
  }
  if (keep != armed_) {
    arm(keep);
  }
}

}  // namespace simul::detail
