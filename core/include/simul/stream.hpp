// Stream: a byte stream in both directions: TCP, a Unix socket, memory, or your own over any of them.
//
//   while (auto chunk = co_await peer.recv()) {     // until the end of the stream, or an error
//     co_await peer.send(*chunk);
//   }
//
// The upper half is what handlers use; its awaiters are written once, on top of the lower half, which
// a kind of stream implements: attempts that never block, and a way to wait for another try.
//
// Its awaiters are in receive.hpp and send.hpp, deadlines of single operations in until.hpp.
//
// One reader and one writer at a time: a second one is an error (std::logic_error), never a race. A stream
// outlives those who wait on it: close() wakes them, but they have to get their turn (asserted).
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include <simul/chunk.hpp>
#include <simul/clock.hpp>
#include <simul/coro.hpp>
#include <simul/error.hpp>
#include <simul/export.hpp>
#include <simul/leaf.hpp>

namespace simul {

/// What a stream has to wait for before another try makes sense. It need not be the direction of the
/// operation: a TLS stream may have to write before it can read.
enum class Interest : std::uint8_t { none = 0, readable = 1, writable = 2, both = 3 };

/// What one attempt gave: bytes moved, or an error, or "it would block".
struct IoResult {
  std::size_t bytes = 0;
  detail::PackedError error{};
  Interest blocked = Interest::none;
  /// There was no more at that moment, and wait() would learn of more: the next attempt can be spared.
  bool drained = false;
  /// Of a send: the stream has taken the bytes, but holds a part of them; try_flush() before all is well.
  bool unflushed = false;

  static IoResult moved(std::size_t bytes, bool drained = false) noexcept {
    return {.bytes = bytes, .drained = drained};
  }
  static IoResult would_block(Interest interest) noexcept { return {.blocked = interest}; }
  static IoResult failed(detail::PackedError error) noexcept { return {.error = error}; }
  static IoResult failed(const std::error_code& error) noexcept {
    return {.error = detail::PackedError(error)};
  }
  static IoResult failed(Errc error) noexcept { return {.error = error}; }
};

enum class SIMUL_EXPORT StreamOp : std::uint8_t { recv, send, closed };

class SIMUL_EXPORT RecvChunk;
class SIMUL_EXPORT RecvInto;
class SIMUL_EXPORT ReadExactly;
class SIMUL_EXPORT ReadUntil;
class SIMUL_EXPORT Send;
class SIMUL_EXPORT SendPieces;
class SIMUL_EXPORT SendSome;
class SIMUL_EXPORT SendFile;
class SIMUL_EXPORT Closed;
template <typename Awaiter>
class Until;
namespace detail {
class QueueWriter;
}

/// What read_line and its like take at the most, if nothing else is said.
inline constexpr std::size_t kReadLimit = std::size_t{64} << 10;

class SIMUL_EXPORT Stream {
 public:
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream();

  // --- for handlers; thread: the loop's ---------------------------------------------------------

  /// Waits for bytes and gives what is there, at most a chunk. At the end of the stream
  /// Errc::end_of_stream, then the same again. Cancel safety: safe, no byte is lost.
  RecvChunk recv() noexcept;
  /// As recv(), into the caller's memory; gives the number of bytes, never 0. Throws std::logic_error for
  /// no memory at all.
  RecvInto recv(MutableBytes buffer SIMUL_LIFETIMEBOUND) noexcept;
  /// As recv(), but gives std::errc::timed_out instead of waiting beyond `deadline` (kNever: as recv()).
  /// Bytes that are there then are given, however late it is. While it needn't wait it costs what recv()
  /// does. Cancel safety: safe, and after a time-out as well: no byte is lost.
  Until<RecvChunk> recv_until(TimePoint deadline) noexcept;

  // Whole units. What can't be given whole is not given: after any error, and after a cancellation,
  // all bytes that had come are still in the stream, and the next recv gives them.
  // Errors: Errc::end_of_stream if not a byte had come, Errc::incomplete_read if some had;
  // Errc::limit_overrun if more bytes came than `limit`, without the separator; those of recv().
  // Cancel safety: safe, no byte is lost.

  /// Fills all of `buffer`.
  ReadExactly read_exactly(MutableBytes buffer SIMUL_LIFETIMEBOUND) noexcept;
  /// A line, without the "\n" or "\r\n" at its end.
  ReadUntil read_line(std::size_t limit = kReadLimit);
  /// All up to and including the first `separator`. Throws std::invalid_argument if that is empty.
  ReadUntil read_until(std::string_view separator SIMUL_LIFETIMEBOUND,
                       std::size_t limit = kReadLimit);
  /// As read_until, with several separators: the first that is complete ends it; where two end with
  /// the same byte the longer one counts. (So the result doesn't depend on how the bytes arrive.)
  /// The array must stay where it is meanwhile.
  ReadUntil read_until_any(std::span<const std::string_view> separators SIMUL_LIFETIMEBOUND,
                           std::size_t limit = kReadLimit);
  /// All up to the end of the stream, which is no error here.
  ReadUntil read_all(std::size_t limit);

  /// Sends all of it; gives nothing or an error. The bytes must stay where they are meanwhile.
  /// Cancel safety: NOT safe. When it is cancelled after a part was accepted, the stream can only be
  /// closed: later sends give Errc::broken_stream. bytes_accepted() says how many went.
  Send send(Bytes bytes SIMUL_LIFETIMEBOUND) noexcept;
  Send send(std::string_view text SIMUL_LIFETIMEBOUND) noexcept;
  /// Sends several pieces in order, with one system call where the kernel takes them.
  SendPieces send(std::span<const Bytes> pieces SIMUL_LIFETIMEBOUND) noexcept;
  /// Sends at least one byte and gives how many. Cancel safety: safe.
  SendSome send_some(Bytes bytes SIMUL_LIFETIMEBOUND) noexcept;
  /// Sends `count` bytes of an open file from `offset` on, without a copy through this process where
  /// the kernel can. The file's own position stays as it is. Reading may block the loop, as any access
  /// to a file does. Errors, besides those of send: Errc::short_file if the file ends before, and what
  /// the system says of the file; if a part was sent by then, the stream can only be closed.
  /// Cancel safety: NOT safe, as send.
  SendFile send_file(int file, std::uint64_t offset, std::uint64_t count) noexcept;
  /// As send() and send_file(), but give std::errc::timed_out instead of waiting beyond `deadline` (kNever: as
  /// these) for the peer to read. It is one deadline for all of it, but bytes that go without waiting go,
  /// however late it is. While they needn't wait they cost what the others do. Cancel safety: NOT safe, and a
  /// time-out is a cut as well: if a part was accepted, the stream can only be closed.
  Until<Send> send_until(Bytes bytes SIMUL_LIFETIMEBOUND, TimePoint deadline) noexcept;
  Until<Send> send_until(std::string_view text SIMUL_LIFETIMEBOUND, TimePoint deadline) noexcept;
  Until<SendPieces> send_until(std::span<const Bytes> pieces SIMUL_LIFETIMEBOUND,
                               TimePoint deadline) noexcept;
  Until<SendFile> send_file_until(int file, std::uint64_t offset, std::uint64_t count,
                                  TimePoint deadline) noexcept;

  /// Waits until the connection is gone: reset, or closed in both directions; gives why
  /// (Errc::end_of_stream for an orderly end). A half-close is not the end. For handlers that don't
  /// read meanwhile. Cancel safety: safe.
  Closed closed() noexcept;

  /// Gives bytes back: the next recv returns them first. What was given back last comes first.
  void unread(Chunk rest) noexcept;

  /// No more will be sent; the peer sees the end of the stream after all that was. Reading goes on.
  std::error_code shutdown() noexcept;

  /// Ends the connection so that the peer gets all that was sent: shutdown, then whatever still comes
  /// is thrown away until the peer has ended too, for `timeout` at the most; then close. (To close
  /// while bytes arrive that nobody reads makes the kernel send a reset, which can overtake what was
  /// sent.) Gives nothing if the peer has ended in order, std::errc::timed_out, or an error.
  /// Cancel safety: safe; the stream is then closed at once.
  Coro<std::error_code> linger(Duration timeout);

  /// Of all receives together.
  [[nodiscard]] std::uint64_t bytes_received() const noexcept { return bytes_received_; }
  /// Of all sends together, accepted by the layer below.
  [[nodiscard]] std::uint64_t bytes_accepted() const noexcept { return bytes_accepted_; }
  /// The turn in which bytes moved last, in either direction; the epoch if none ever did.
  [[nodiscard]] TimePoint last_active() const noexcept { return last_active_; }
  void note_activity(TimePoint now) noexcept { last_active_ = now; }

  // --- for streams; thread: the loop's ----------------------------------------------------------

  /// `buffer` isn't empty. Gives at least one byte, blocks, or fails; Errc::end_of_stream at the end.
  virtual IoResult try_recv(MutableBytes buffer) noexcept = 0;
  /// Sends from `first`, then from `rest`; not all of them empty. May move less than all.
  virtual IoResult try_send(Bytes first, std::span<const Bytes> rest) noexcept = 0;
  /// As try_send, from a file; `count` isn't zero. This one reads the file and uses try_send.
  virtual IoResult try_send_file(int file, std::uint64_t offset, std::size_t count) noexcept;
  /// Sends on what try_send() took and the stream still holds. Every other operation does that as well; a
  /// send ends only when nothing is held. This one is for streams that hold nothing.
  virtual IoResult try_flush() noexcept { return {}; }
  virtual std::error_code try_shutdown() noexcept = 0;
  /// Blocks until the connection is gone, then fails with the reason.
  virtual IoResult try_closed() noexcept = 0;

  /// Wakes `leaf` once when another attempt at `operation` may succeed, which may be at once. At most
  /// one leaf per operation; forget() takes it back. An error means that it can't be waited for.
  virtual std::error_code wait(StreamOp operation, Interest interest, Leaf& leaf) noexcept = 0;
  virtual void forget(StreamOp operation) noexcept = 0;

  /// Closes at once and wakes whoever waits with Errc::closed. An abort throws away what has not been
  /// sent and resets the connection. Closing twice is harmless.
  enum class CloseMode : std::uint8_t { graceful, abort };
  virtual void close(CloseMode mode = CloseMode::graceful) noexcept = 0;

  /// The descriptor below, or -1: for those who know what they do.
  [[nodiscard]] virtual int native_handle() const noexcept { return -1; }

 protected:
  Stream() noexcept = default;
  /// What was given back and what was cut off go along. Nobody may be waiting on either.
  Stream(Stream&& other) noexcept
      : unread_(std::move(other.unread_)),
        bytes_received_(std::exchange(other.bytes_received_, 0)),
        bytes_accepted_(std::exchange(other.bytes_accepted_, 0)),
        last_active_(other.last_active_),
        recv_drained_(std::exchange(other.recv_drained_, false)),
        broken_(std::exchange(other.broken_, false)) {}
  Stream& operator=(Stream&& other) noexcept {
    unread_ = detail::ChunkChain(std::move(other.unread_));
    bytes_received_ = std::exchange(other.bytes_received_, 0);
    bytes_accepted_ = std::exchange(other.bytes_accepted_, 0);
    last_active_ = other.last_active_;
    recv_drained_ = std::exchange(other.recv_drained_, false);
    broken_ = std::exchange(other.broken_, false);
    return *this;
  }

 private:
  template <typename Self, StreamOp kOperation>
  friend class StreamLeaf;
  friend class RecvInto;
  friend class ReadExactly;
  friend class ReadUntil;
  friend class Send;
  friend class SendPieces;
  friend class SendSome;
  friend class SendFile;
  friend class detail::QueueWriter;

  void give_back(Bytes bytes) noexcept;
  std::size_t take_unread(MutableBytes buffer) noexcept;

  detail::ChunkChain unread_;
  std::uint64_t bytes_received_ = 0;
  std::uint64_t bytes_accepted_ = 0;
  TimePoint last_active_{};
  std::uint8_t waiting_ = 0;  // a bit per operation that somebody waits for
  bool recv_drained_ = false;
  bool broken_ = false;
};

namespace detail {
/// A send that was made and never awaited has sent nothing, which is a mistake.
SIMUL_EXPORT void report_unawaited_send() noexcept;
}  // namespace detail

/// An attempt that is repeated until it gives something: the common part of the awaiters. `Self` has
/// `bool attempt()`, which settles one, and may have `on_cut_off()`.
template <typename Self, StreamOp kOperation>
class SIMUL_EXPORT StreamLeaf : public Leaf {
 public:
  bool await_ready();
  bool await_suspend(std::coroutine_handle<>) noexcept;
  [[nodiscard]] const char* waits_for() const noexcept final;
  [[nodiscard]] WaitDetail wait_detail() const noexcept override {
    return {.descriptor = stream_.native_handle()};
  }

 protected:
  ~StreamLeaf() {
    if constexpr (kOperation == StreamOp::send) {
      if (!was_awaited()) [[unlikely]] {
        detail::report_unawaited_send();
      }
    }
  }

  /// Takes note of an attempt, and counts into `counter`. True: done, with error_ set or not.
  bool settle(IoResult result, std::uint64_t& counter) noexcept;
  /// An end without an attempt that moved bytes.
  bool settle(detail::PackedError error) noexcept {
    blocked_ = Interest::none;
    error_ = error;
    return true;
  }
  void on_cut_off() noexcept {}
  /// Has the stream all that was to be done of it? Then no cancellation takes that away.
  [[nodiscard]] bool accepted_all() const noexcept { return false; }
  /// Of a send that is accepted: does the stream hold nothing of it any more?
  bool flushed() noexcept {
    const IoResult result = stream_.try_flush();
    blocked_ = result.blocked;
    error_ = result.error;
    return blocked_ == Interest::none;
  }
  /// One attempt to get a chunk. True: `chunk` has bytes, or error_ is set.
  bool receive(Chunk& chunk) noexcept
    requires(kOperation == StreamOp::recv);
  /// For an attempt that has moved bytes and wants more. False: it goes on in the task's next turn.
  bool may_go_on() noexcept;
  /// The same for one that receives. True: it would block, or has to go on in the task's next turn.
  bool wait_for_more() noexcept
    requires(kOperation == StreamOp::recv);
  /// What await_resume gives: Cancelled, or the error, or the value.
  template <typename T>
  std::expected<std::decay_t<T>, std::error_code> outcome(T&& value) const {
    throw_if_cancelled();
    if (error_) {
      return std::unexpected(error_.unpack());
    }
    return std::forward<T>(value);
  }
  std::expected<void, std::error_code> outcome() const {
    throw_if_cancelled();
    if (error_) {
      return std::unexpected(error_.unpack());
    }
    return {};
  }
  /// From now on `error` instead of waiting, but not before one more attempt.
  void never_wait(detail::PackedError error) noexcept {
    instead_ = error;
    blocked_ = Interest::none;
  }
  /// The same for one that waits already, after one more attempt.
  void give_up(detail::PackedError error) noexcept;
  /// Gives it up with std::errc::timed_out.
  void time_out() noexcept;

  detail::PackedError error_;
  Stream& stream_;

 private:
  friend Self;
  explicit StreamLeaf(Stream& stream) noexcept : stream_(stream) {}

  static constexpr std::uint8_t kBit = std::uint8_t{1} << static_cast<unsigned>(kOperation);

  Self& self() noexcept { return static_cast<Self&>(*this); }
  bool try_within_budget() noexcept;
  bool keep_waiting() noexcept;
  void stop_waiting() noexcept;
  bool on_wake() noexcept final;
  bool on_cancel() noexcept final;

  detail::PackedError instead_;        // of waiting
  Interest blocked_ = Interest::none;  // none: only the task's next turn is waited for
};

class [[nodiscard]] SIMUL_EXPORT Closed final : public StreamLeaf<Closed, StreamOp::closed> {
 public:
  explicit Closed(Stream& stream) noexcept : StreamLeaf(stream) {}
  std::error_code await_resume();

 private:
  friend StreamLeaf;
  bool attempt() noexcept;
};

// Its code is in the library, as that of the other awaiters.
extern template class SIMUL_EXPORT StreamLeaf<Closed, StreamOp::closed>;

inline Closed Stream::closed() noexcept { return Closed(*this); }

}  // namespace simul

#include <simul/receive.hpp>
#include <simul/send.hpp>
