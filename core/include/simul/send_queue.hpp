// SendQueue: a bounded queue of messages in front of a stream, for what outlives its sender: a chat
// server's broadcast, replies that several tasks write. One task sends, many push.
//
//   SendQueue queue(peer);
//   group.spawn(queue.run());                    // sends, with as few system calls as it can
//   co_await queue.push("for this one");         // waits while the queue is full
//   queue.try_push(message_for_many);            // never waits; what then, says `when_full`
//
// Messages go out whole and in the order in which they were pushed. The queue doesn't own the stream
// and closes it only where it was told to.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <simul/coro.hpp>
#include <simul/detail/wait_list.hpp>
#include <simul/export.hpp>
#include <simul/leaf.hpp>
#include <simul/stream.hpp>

namespace simul {

/// Bytes that several queues may hold at once.
using SharedBytes = std::shared_ptr<const std::string>;

/// What try_push does when there is no room.
enum class WhenFull : std::uint8_t {
  refuse,       ///< gives Errc::queue_full
  drop_oldest,  ///< drops the oldest that are not on their way yet; refuses if that isn't enough
  close,        ///< aborts the stream, for a reader that can't keep up; gives Errc::queue_full
};

struct SendQueueOptions {
  /// Bytes that may be queued. (A longer message is taken when the queue is empty.)
  std::size_t high_water = std::size_t{64} << 10;
  /// Who waits for room is let in when no more than this is left; a quarter of high_water if it isn't said.
  std::optional<std::size_t> low_water = {};
  WhenFull when_full = WhenFull::refuse;
};

/// Thread: that of the stream's loop, for all of it.
class SIMUL_EXPORT SendQueue {
 public:
  /// `stream` must outlive the queue, and nobody else may send on it while something is queued.
  /// Throws std::invalid_argument if the low water mark is above the high one.
  explicit SendQueue(Stream& stream, SendQueueOptions options = {});
  /// Nobody may be waiting in it, and run() must have ended. What is queued is dropped.
  ~SendQueue();
  SendQueue(const SendQueue&) = delete;
  SendQueue& operator=(const SendQueue&) = delete;

  class Push;
  class Flush;

  /// Queues a message, when there is room for it; who waits is let in first come, first served.
  /// Errors: Errc::closed after close() or the end of run(), and the stream's when that has failed.
  /// Cancel safety: safe; a push that was cancelled has queued nothing.
  Push push(SharedBytes message);
  Push push(std::string message);

  /// Queues a message at once, or does what the options say. Errors: as push, and Errc::queue_full.
  std::error_code try_push(SharedBytes message);
  std::error_code try_push(std::string message);

  /// Waits until the stream has accepted (or a full queue has dropped) all that was queued before.
  /// Gives the error if it fails before. Cancel safety: nothing to lose.
  Flush flush() noexcept;

  /// No more is taken; what is queued will be sent, then run() ends. Who waits in push gets
  /// Errc::closed.
  void close() noexcept;

  /// Sends until close() was called and nothing is left, or until the stream fails; then gives its
  /// error. To be run once, by a task of its own. Its end is the queue's: later pushes fail.
  /// Cancel safety: the queue ends with it; if a message was sent in part, the stream can only be
  /// closed (Errc::broken_stream).
  Coro<std::expected<void, std::error_code>> run();

  /// Not yet accepted by the stream.
  [[nodiscard]] std::size_t queued_bytes() const noexcept { return queued_bytes_; }
  /// Messages that WhenFull::drop_oldest has dropped.
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  friend class detail::QueueWriter;
  struct Entry;
  struct Running;
  class Work;

  using EntryPointer = std::unique_ptr<Entry>;
  static EntryPointer make_entry(SharedBytes message);

  [[nodiscard]] std::error_code refusal() const noexcept;
  [[nodiscard]] bool has_room(const Entry& entry) const noexcept;
  void append(EntryPointer entry) noexcept;
  void drop_until_there_is_room(const Entry& entry) noexcept;
  void sent(std::size_t bytes) noexcept;
  [[nodiscard]] Push& first_pusher() const noexcept;
  [[nodiscard]] Flush& first_flusher() const noexcept;
  void let_in() noexcept;
  void tell_flushers() noexcept;
  void end(std::error_code error) noexcept;
  void drop_all() noexcept;
  void refuse_pushers(std::error_code error) noexcept;
  void wake_writer() noexcept;

  Stream& stream_;
  SendQueueOptions options_;
  std::size_t low_water_;
  EntryPointer first_;
  Entry* last_ = nullptr;
  std::size_t first_sent_ = 0;  // bytes of the first one
  std::size_t queued_bytes_ = 0;
  std::uint64_t pushed_ = 0;  // messages; each one's number
  std::uint64_t dropped_ = 0;
  std::error_code error_;  // why it has ended
  Leaf* idle_writer_ = nullptr;
  detail::WaitList pushers_;   // of Push
  detail::WaitList flushers_;  // of Flush
  bool started_ = false;
  bool running_ = false;
  bool closed_ = false;
  bool lost_ = false;  // something was queued when it ended
};

class [[nodiscard]] SIMUL_EXPORT SendQueue::Push final : public detail::WaitingLeaf {
 public:
  Push(SendQueue& queue, EntryPointer entry) noexcept;
  ~Push();
  bool await_ready();
  void await_suspend(std::coroutine_handle<>) noexcept;
  std::expected<void, std::error_code> await_resume();
  [[nodiscard]] const char* waits_for() const noexcept override { return "push"; }

 private:
  friend class SendQueue;
  bool on_cancel() noexcept override;

  SendQueue& queue_;
  EntryPointer entry_;  // until it is queued
  std::error_code error_;
};

class [[nodiscard]] SIMUL_EXPORT SendQueue::Flush final : public detail::WaitingLeaf {
 public:
  explicit Flush(SendQueue& queue) noexcept : queue_(queue), target_(queue.pushed_) {}
  bool await_ready();
  void await_suspend(std::coroutine_handle<>) noexcept;
  std::expected<void, std::error_code> await_resume();
  [[nodiscard]] const char* waits_for() const noexcept override { return "flush"; }

 private:
  friend class SendQueue;
  [[nodiscard]] bool reached() const noexcept;
  bool on_cancel() noexcept override;

  SendQueue& queue_;
  std::uint64_t target_;  // the number of the last message that it waits for
  std::error_code error_;
};

inline SendQueue::Flush SendQueue::flush() noexcept { return Flush(*this); }

}  // namespace simul
