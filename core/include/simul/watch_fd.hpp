// Waiting for a descriptor that isn't simul's: a pipe, an inotify or timerfd, another library's socket.
//
//   if (!co_await wait_readable(fd)) {        // expected<void, std::error_code>
//     ssize_t got = ::read(fd, ...);          // yours, and best non-blocking: readiness is a hint
//   }
//
// The descriptor stays the caller's, flags and all. It is watched only while somebody waits: afterwards
// it may be closed, but not meanwhile. For sockets that simul is to read and write there is
// SocketStream::adopt.
#pragma once

#include <coroutine>
#include <cstdint>
#include <expected>
#include <system_error>

#include <simul/export.hpp>
#include <simul/leaf.hpp>

namespace simul {

class [[nodiscard]] SIMUL_EXPORT WaitFd final : public Leaf {
 public:
  enum class For : std::uint8_t { readable, writable };

  WaitFd(int fd, For what) noexcept : fd_(fd), for_(what) {}
  bool await_ready() const;
  bool await_suspend(std::coroutine_handle<>);
  std::expected<void, std::error_code> await_resume();
  [[nodiscard]] const char* waits_for() const noexcept override {
    return for_ == For::readable ? "wait_readable" : "wait_writable";
  }
  [[nodiscard]] WaitDetail wait_detail() const noexcept override { return {.descriptor = fd_}; }

 private:
  bool on_wake() noexcept override;
  bool on_cancel() noexcept override;

  int fd_;
  For for_;
  std::error_code error_;
};

/// Waits until a read of `fd` would not block, for bytes, the end, or an error. One may wait for each
/// direction, also at once; a second one is a std::logic_error.
/// Errors: EBADF; EPERM for what can't be waited for, such as a regular file; EBUSY if this loop
/// watches the descriptor already, for a stream for instance.
/// Cancel safety: nothing to lose. Thread: a loop's.
inline WaitFd wait_readable(int fd) noexcept { return {fd, WaitFd::For::readable}; }
/// The same for a write.
inline WaitFd wait_writable(int fd) noexcept { return {fd, WaitFd::For::writable}; }

}  // namespace simul
