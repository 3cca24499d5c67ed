// Sockets: TCP and Unix streams and listeners. They are the same thing but for their address.
//
//   auto peer = co_await connect(*Endpoint::parse("127.0.0.1:7000"));   // expected<SocketStream, ...>
//
//   SocketListener listener = listen(*Endpoint::parse("127.0.0.1:7000"));
//   while (auto peer = co_await listener.accept()) { ... }
#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include <simul/clock.hpp>
#include <simul/endpoint.hpp>
#include <simul/export.hpp>
#include <simul/leaf.hpp>
#include <simul/stream.hpp>

namespace simul {

namespace detail {
class FdWatch;
}

/// Whether, and how, the kernel asks a silent peer whether it is still there.
struct KeepAlive {
  bool on = true;
  Duration idle = std::chrono::minutes(1);       ///< of silence before the first probe
  Duration interval = std::chrono::seconds(10);  ///< between probes
  int probes = 6;                                ///< unanswered: ETIMEDOUT
};

/// What is set of these is applied, the rest stays as it is.
struct SocketOptions {
  /// Send small pieces at once. On already for what connect() and listen() make.
  std::optional<bool> no_delay = {};
  std::optional<KeepAlive> keep_alive = {};  // whole seconds
  /// Bytes; Linux doubles them for its bookkeeping, and grows no longer by itself.
  std::optional<std::size_t> receive_buffer = {};
  std::optional<std::size_t> send_buffer = {};
  /// How long sent bytes may stay unacknowledged: ETIMEDOUT then (TCP_USER_TIMEOUT, in milliseconds).
  std::optional<Duration> user_timeout = {};
};

/// The process at the other end of a Unix socket, as it was when it connected.
struct PeerCredentials {
  int pid;
  unsigned uid;
  unsigned gid;
};

/// A connected stream socket. It belongs to the loop on which it first waits.
class SIMUL_EXPORT SocketStream final : public Stream {
 public:
  /// Takes over a connected, non-blocking socket.
  explicit SocketStream(int fd) noexcept : fd_(fd) {}
  /// Nothing may be waiting on `other`.
  SocketStream(SocketStream&& other) noexcept;
  SocketStream& operator=(SocketStream&& other) noexcept;
  ~SocketStream() override;

  /// Takes over a connected stream socket that somebody else has opened, and makes it non-blocking and
  /// CLOEXEC. Otherwise it stays the caller's: EBADF, ENOTSOCK, EPROTOTYPE (no stream), ENOTCONN.
  static std::expected<SocketStream, std::error_code> adopt(int fd) noexcept;
  /// Gives the socket up without closing it; for this stream it is as if it were closed. Bytes that
  /// were given back stay here: recv() first, until it says Errc::closed.
  [[nodiscard]] int release() noexcept;

  [[nodiscard]] Endpoint peer_endpoint() const;
  [[nodiscard]] Endpoint local_endpoint() const;
  /// Of a Unix socket.
  [[nodiscard]] std::expected<PeerCredentials, std::error_code> peer_credentials() const noexcept;
  /// Gives the error of the first that can't be set: EOPNOTSUPP for TCP's on a Unix socket, EINVAL.
  std::error_code set_options(const SocketOptions& options) noexcept;

  IoResult try_recv(MutableBytes buffer) noexcept override;
  IoResult try_send(Bytes first, std::span<const Bytes> rest) noexcept override;
  IoResult try_send_file(int file, std::uint64_t offset, std::size_t count) noexcept override;
  std::error_code try_shutdown() noexcept override;
  IoResult try_closed() noexcept override;
  std::error_code wait(StreamOp operation, Interest interest, Leaf& leaf) noexcept override;
  void forget(StreamOp operation) noexcept override;
  void close(CloseMode mode = CloseMode::graceful) noexcept override;
  [[nodiscard]] int native_handle() const noexcept override { return fd_; }

 private:
  IoResult fail(int error) noexcept;
  IoResult nothing_received(MutableBytes buffer, int error) noexcept;
  IoResult nothing_sent(Bytes first, std::span<const Bytes> rest, int error) noexcept;
  std::error_code start_watching(Loop& loop) noexcept;

  bool ended_ = false;
  bool peer_done_ = false;
  int fd_;
  int error_ = 0;  // the first fatal one: reader and writer both get it
  detail::FdWatch* watch_ = nullptr;
};

/// A listening socket.
class SIMUL_EXPORT SocketListener {
 public:
  /// Takes over a listening, non-blocking socket.
  explicit SocketListener(int fd) noexcept : fd_(fd) {}
  SocketListener(SocketListener&& other) noexcept;
  SocketListener& operator=(SocketListener&& other) noexcept;
  ~SocketListener();

  /// As SocketStream::adopt, for a listening stream socket; EINVAL if it doesn't listen.
  static std::expected<SocketListener, std::error_code> adopt(int fd) noexcept;
  /// Gives the socket up without closing it; who waits gets Errc::closed.
  [[nodiscard]] int release() noexcept;

  struct Accepted {
    SocketStream stream;
    Endpoint peer;
  };
  class Accept;

  /// Waits for a connection. Errors that concern one connection only are passed over; EMFILE, ENFILE,
  /// ENOBUFS and ENOMEM are given: wait a while then. Errc::closed after close(). One waiter at a time: a
  /// second one gets std::errc::device_or_resource_busy.
  /// Cancel safety: safe, no connection is lost.
  Accept accept() noexcept;

  /// Stops listening; who waits gets Errc::closed. The socket of other processes or loops that share
  /// it goes on.
  void close() noexcept;

  [[nodiscard]] Endpoint local_endpoint() const;
  [[nodiscard]] int native_handle() const noexcept { return fd_; }

 private:
  detail::FdWatch* watch_ = nullptr;
  int fd_;
};

class [[nodiscard]] SIMUL_EXPORT SocketListener::Accept final : public Leaf {
 public:
  explicit Accept(SocketListener& listener) noexcept : listener_(listener) {}
  bool await_ready();
  bool await_suspend(std::coroutine_handle<>) noexcept;
  std::expected<Accepted, std::error_code> await_resume();
  [[nodiscard]] const char* waits_for() const noexcept override { return "accept"; }
  [[nodiscard]] WaitDetail wait_detail() const noexcept override {
    return {.descriptor = listener_.fd_};
  }

 private:
  bool attempt() noexcept;
  bool keep_waiting() noexcept;
  bool on_wake() noexcept override;
  bool on_cancel() noexcept override;

  SocketListener& listener_;
  int accepted_ = -1;
  Endpoint peer_;
  std::error_code error_;
  bool blocked_ = false;  // else only the task's next turn is waited for
};

inline SocketListener::Accept SocketListener::accept() noexcept { return Accept(*this); }

struct ListenOptions {
  /// Connections that the kernel completes and keeps until they are accepted.
  int backlog = 4096;
};

/// Binds and listens. Throws std::system_error that names the address. Thread: any.
[[nodiscard]] SIMUL_EXPORT SocketListener listen(const Endpoint& endpoint,
                                                 const ListenOptions& options = {});

class SIMUL_EXPORT Connect;

struct ConnectOptions {
  /// Of this machine, to connect from; unspecified leaves it to the kernel.
  Endpoint source{};
};

/// Connects. Gives the stream or the error of the system. Cancel safety: safe, an attempt that was cut
/// off is closed.
Connect connect(const Endpoint& endpoint, const ConnectOptions& options = {});

class [[nodiscard]] SIMUL_EXPORT Connect final : public Leaf {
 public:
  Connect(Endpoint endpoint, ConnectOptions options) noexcept
      : endpoint_(std::move(endpoint)), options_(std::move(options)) {}
  bool await_ready();
  bool await_suspend(std::coroutine_handle<>) noexcept;
  std::expected<SocketStream, std::error_code> await_resume();
  [[nodiscard]] const char* waits_for() const noexcept override { return "connect"; }

 private:
  void fail(int error) noexcept;
  bool on_wake() noexcept override;
  bool on_cancel() noexcept override;

  Endpoint endpoint_;
  ConnectOptions options_;
  std::optional<SocketStream> stream_;
  std::error_code error_;
};

inline Connect connect(const Endpoint& endpoint, const ConnectOptions& options) {
  return {endpoint, options};
}

/// Two connected Unix sockets. Throws std::system_error.
[[nodiscard]] SIMUL_EXPORT std::pair<SocketStream, SocketStream> socket_pair();

}  // namespace simul
