// FdWatch: readiness of one descriptor. The only place that knows uv_poll; its rules are in watch.cpp.
//
// A stream tries its system call first. When that would block it calls wait(); the waiting task is
// woken when the kernel says that another try may succeed. Readiness is only ever a hint.
#pragma once

#include <array>
#include <cstdint>
#include <system_error>

#include <uv.h>

#include <simul/leaf.hpp>
#include <simul/loop.hpp>

namespace simul::detail {

class Reactor;

class FdWatch {
 public:
  enum Event : std::uint8_t {
    kReadable = UV_READABLE,
    kWritable = UV_WRITABLE,
    kPeerDone = UV_DISCONNECT,  // the peer has closed its sending side, or everything
    kHangup = UV_PRIORITIZED,   // nothing but an error or a hang-up, which come unasked
  };
  /// Who waits: at most one leaf each.
  enum class Op : std::uint8_t { recv, send, closed };

  /// Begins to watch `fd`, which stays the caller's. Fails with EPERM for what can't be watched (a
  /// regular file) and EEXIST for what this loop watches already.
  static FdWatch* open(Loop& loop, int fd, std::error_code& error);

  /// Ends the watch: before ::close(fd), never after. The block frees itself.
  void close() noexcept;

  /// Wakes `leaf` at the next of `events`; at once if one was reported since the last try. Fails if
  /// the loop that watches has ended, and with EEXIST if it watches the descriptor for somebody else.
  std::error_code wait(Op op, std::uint8_t events, Leaf& leaf) noexcept {
    if ((hints_ & events) == 0 && (armed_ & events) == events && waiter(op) == nullptr) [[likely]] {
      set_waiter(op, &leaf);
      wanted_[index(op)] = events;
      return {};
    }
    return arm_and_wait(op, events, leaf);
  }
  void forget(Op op) noexcept { set_waiter(op, nullptr); }
  /// Also true once nobody watches any more: wait() will say so.
  [[nodiscard]] bool watched_by(Loop& loop) const noexcept;
  /// Wakes all who wait.
  void wake_all() noexcept;
  [[nodiscard]] bool waits(Op op) const noexcept { return waiter(op) != nullptr; }

  /// A try has found nothing left. True: it will be reported when that changes.
  bool drained(Event event) noexcept {
    hints_ &= static_cast<std::uint8_t>(~event);
    return (armed_ & event) != 0;
  }
  /// Was it reported since the last try that found nothing? What isn't armed counts as reported.
  [[nodiscard]] bool worth_trying(Event event) const noexcept {
    return (hints_ & event) != 0 || (armed_ & event) == 0;
  }
  /// The stream has ended: READABLE would be reported for ever.
  void end_of_stream() noexcept { ended_ = true; }

  /// The loop ends while somebody still holds the stream: stop, but keep the block for its close().
  void orphan() noexcept;
  static void orphan_all(uv_loop_t& uv) noexcept;

  /// What uv_poll watches now.
  [[nodiscard]] std::uint8_t armed() const noexcept { return armed_; }

 private:
  FdWatch() noexcept = default;
  ~FdWatch() = default;
  static std::size_t index(Op op) noexcept { return static_cast<std::size_t>(op); }

  // There is a watch for every idle connection: who waits for its end, which is rare, stands in the
  // word that libuv leaves to us.
  [[nodiscard]] Leaf* waiter(Op op) const noexcept {
    return op == Op::closed ? static_cast<Leaf*>(handle_.data) : waiting_[index(op)];
  }
  void set_waiter(Op op, Leaf* leaf) noexcept {
    if (op == Op::closed) {
      handle_.data = leaf;
    } else {
      waiting_[index(op)] = leaf;
    }
  }

  std::error_code arm_and_wait(Op op, std::uint8_t events, Leaf& leaf) noexcept;
  int arm(std::uint8_t events) noexcept;
  void on_poll(int status, std::uint8_t events) noexcept;
  bool wake(std::uint8_t event) noexcept;
  static FdWatch& of(uv_poll_t* handle) noexcept;
  void free() noexcept;

  uv_poll_t handle_{};  // first, so that its address is the watch's
  std::array<Leaf*, 2> waiting_{};
  std::array<std::uint8_t, 3> wanted_{};
  std::uint8_t armed_ = 0;
  std::uint8_t hints_ = 0;      // events reported since the last try that found nothing
  std::uint8_t unclaimed_ = 0;  // events whose last callback found nobody waiting
  bool ended_ = false;
  bool orphaned_ = false;
};

}  // namespace simul::detail
