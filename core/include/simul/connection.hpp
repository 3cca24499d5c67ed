// Connection: a stream that a server has accepted, with its peer, its deadlines and its statistics.
// It is what a handler gets:
//
//   Coro<> echo(Connection& peer) {
//     while (auto chunk = co_await peer.recv()) {
//       co_await peer.send(*chunk);
//     }
//   }
//
// It has all that a Stream has, and can be passed where a Stream& is wanted; its operations go straight
// to the stream below, so that a message costs no extra layer.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include <simul/clock.hpp>
#include <simul/coro.hpp>
#include <simul/detail/timer.hpp>
#include <simul/detail/wait_list.hpp>
#include <simul/endpoint.hpp>
#include <simul/export.hpp>
#include <simul/loop.hpp>
#include <simul/stream.hpp>

namespace simul {

class Connection;
class TlsStream;
struct ProxyHeader;

/// One coroutine per connection. The connection outlives it.
using Handler = std::function<Coro<>(Connection& peer)>;

/// Why a connection ended. `handler`: its coroutine returned; the deadlines and the server cancel it.
enum class CloseReason : std::uint8_t { handler, failed, idle_timeout, shutdown };

class SIMUL_EXPORT Connection : private detail::Timer {
 public:
  /// `stream` must outlive the connection.
  Connection(Stream& stream, Endpoint peer, std::uint64_t id) noexcept
      : stream_(stream), peer_(std::move(peer)), id_(id) {}
  virtual ~Connection();

  /// The client, as far as it is known: behind a proxy that says so (PROXY protocol) it is the proxy's.
  [[nodiscard]] const Endpoint& peer() const noexcept { return peer_; }
  /// What is known of the client by its TLS: version, ALPN, the name it asked for, its certificate. Null
  /// without TLS.
  [[nodiscard]] const TlsStream* tls() const noexcept;
  /// What the proxy in front has said of the connection, with its TLVs; null if nothing.
  [[nodiscard]] virtual const ProxyHeader* proxy_header() const noexcept { return nullptr; }
  /// Unique within the process.
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  [[nodiscard]] std::uint64_t bytes_received() const noexcept { return stream_.bytes_received(); }
  [[nodiscard]] std::uint64_t bytes_sent() const noexcept { return stream_.bytes_accepted(); }
  [[nodiscard]] CloseReason close_reason() const noexcept { return close_reason_; }

  // As of Stream; see there for results, errors and cancel safety.
  RecvChunk recv() noexcept { return stream_.recv(); }
  RecvInto recv(MutableBytes buffer SIMUL_LIFETIMEBOUND) noexcept { return stream_.recv(buffer); }
  Until<RecvChunk> recv_until(TimePoint deadline) noexcept { return stream_.recv_until(deadline); }
  ReadExactly read_exactly(MutableBytes buffer) noexcept { return stream_.read_exactly(buffer); }
  ReadUntil read_line(std::size_t limit = kReadLimit) { return stream_.read_line(limit); }
  ReadUntil read_until(std::string_view separator SIMUL_LIFETIMEBOUND,
                       std::size_t limit = kReadLimit) {
    return stream_.read_until(separator, limit);
  }
  ReadUntil read_until_any(std::span<const std::string_view> separators,
                           std::size_t limit = kReadLimit) {
    return stream_.read_until_any(separators, limit);
  }
  ReadUntil read_all(std::size_t limit) { return stream_.read_all(limit); }
  Send send(Bytes bytes SIMUL_LIFETIMEBOUND) noexcept { return stream_.send(bytes); }
  Send send(std::string_view text SIMUL_LIFETIMEBOUND) noexcept { return stream_.send(text); }
  SendPieces send(std::span<const Bytes> pieces SIMUL_LIFETIMEBOUND) noexcept {
    return stream_.send(pieces);
  }
  SendSome send_some(Bytes bytes SIMUL_LIFETIMEBOUND) noexcept { return stream_.send_some(bytes); }
  SendFile send_file(int file, std::uint64_t offset, std::uint64_t count) noexcept {
    return stream_.send_file(file, offset, count);
  }
  Until<Send> send_until(Bytes bytes SIMUL_LIFETIMEBOUND, TimePoint deadline) noexcept {
    return stream_.send_until(bytes, deadline);
  }
  Until<Send> send_until(std::string_view text SIMUL_LIFETIMEBOUND, TimePoint deadline) noexcept {
    return stream_.send_until(text, deadline);
  }
  Until<SendPieces> send_until(std::span<const Bytes> pieces SIMUL_LIFETIMEBOUND,
                               TimePoint deadline) noexcept {
    return stream_.send_until(pieces, deadline);
  }
  Until<SendFile> send_file_until(int file, std::uint64_t offset, std::uint64_t count,
                                  TimePoint deadline) noexcept {
    return stream_.send_file_until(file, offset, count, deadline);
  }
  Closed closed() noexcept { return stream_.closed(); }
  Coro<std::error_code> linger(Duration timeout) { return stream_.linger(timeout); }
  void unread(Chunk rest) noexcept { stream_.unread(std::move(rest)); }
  std::error_code shutdown() noexcept { return stream_.shutdown(); }
  void close(Stream::CloseMode mode = Stream::CloseMode::graceful) noexcept { stream_.close(mode); }
  [[nodiscard]] Stream& stream() noexcept { return stream_; }
  operator Stream&() noexcept { return stream_; }

  /// How long the peer may be silent, in both directions, before the handler is cancelled; zero: for ever.
  [[nodiscard]] Duration idle_timeout() const noexcept { return idle_timeout_; }
  /// Changes that from now on, for a protocol that knows better what silence means: between two messages,
  /// in the middle of one, while it works itself. The silence up to now counts: it began with the last byte.
  /// Cheap enough for every message. Nothing comes of it where no server supervises the connection.
  /// Thread: the loop's.
  void set_idle_timeout(Duration timeout);

  /// True once the server wants to end: finish what is at hand and return.
  [[nodiscard]] bool is_draining() const noexcept { return draining_; }
  /// Waits for that: for a handler that would go on for ever otherwise. Any number of tasks may.
  /// Cancel safety: safe.
  class Draining;
  Draining draining() noexcept;

  /// As recv(), for the place between two messages: when the server drains and nothing has come, it
  /// gives Errc::draining instead of waiting. Cancel safety: safe.
  class RecvMessage;
  RecvMessage recv_message() noexcept;

  // --- for servers --------------------------------------------------------------------------------

  /// The task that runs the handler, which deadlines cancel, and its idle timeout to begin with.
  void supervise(detail::TaskBase& handler, Duration idle_timeout);
  [[nodiscard]] detail::TaskBase* handler() const noexcept { return handler_; }
  void drain() noexcept;
  /// Cancels the handler. The first reason counts.
  void end(CloseReason reason);

 private:
  void on_timer() noexcept override;
  [[nodiscard]] TimePoint idle_deadline() const noexcept;

  CloseReason close_reason_ = CloseReason::handler;
  bool draining_ : 1 = false;
  bool drain_awaited_ : 1 = false;
  Stream& stream_;
  detail::TaskBase* handler_ = nullptr;
  RecvMessage* between_messages_ = nullptr;
  Endpoint peer_;
  std::uint64_t id_;
  Duration idle_timeout_{};
};

class [[nodiscard]] SIMUL_EXPORT Connection::RecvMessage final : public RecvChunk {
 public:
  explicit RecvMessage(Connection& connection) noexcept
      : RecvChunk(connection.stream_), connection_(connection) {}
  bool await_suspend(std::coroutine_handle<> waiting) noexcept {
    if (connection_.draining_) {
      never_wait(Errc::draining);
    }
    connection_.between_messages_ = this;
    return RecvChunk::await_suspend(waiting);
  }
  std::expected<Chunk, std::error_code> await_resume() {
    connection_.between_messages_ = nullptr;
    return RecvChunk::await_resume();
  }

 private:
  friend class Connection;
  Connection& connection_;
};

inline Connection::RecvMessage Connection::recv_message() noexcept { return RecvMessage(*this); }

class [[nodiscard]] SIMUL_EXPORT Connection::Draining final : public detail::WaitingLeaf {
 public:
  explicit Draining(Connection& connection) noexcept : connection_(connection) {}
  bool await_ready() {
    check_cancelled();
    return connection_.draining_;
  }
  void await_suspend(std::coroutine_handle<>);
  void await_resume() const { throw_if_cancelled(); }
  [[nodiscard]] const char* waits_for() const noexcept override { return "drain"; }

 private:
  bool on_cancel() noexcept override;

  Connection& connection_;
};

inline Connection::Draining Connection::draining() noexcept { return Draining(*this); }

}  // namespace simul
