// Streams that live in memory, with the contract of a socket.
//
//   auto [near, far] = memory_stream_pair(16);       // what fits into 16 bytes doesn't block
//   auto [near, far] = memory_stream_pair({.lockstep = true});          // nothing does
//   auto [near, far] = memory_stream_pair({.chaos = Chaos{.seed = 17}});
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include <simul/export.hpp>
#include <simul/stream.hpp>
#include <simul/testing/chaos.hpp>

namespace simul {

class MemoryStream;

struct MemoryStreamOptions {
  /// Bytes that each direction holds on their way.
  std::size_t capacity = std::size_t{64} << 10;
  /// Nothing is on its way without somebody who waits for it: a send goes on only while the peer waits
  /// in a recv. A program that counts on buffers gets stuck.
  bool lockstep = false;
  std::optional<Chaos> chaos{};
};

/// Two connected streams. Their ends may belong to different loops of one thread (see Simulation).
[[nodiscard]] SIMUL_EXPORT std::pair<MemoryStream, MemoryStream> memory_stream_pair(
    const MemoryStreamOptions& options);
[[nodiscard]] SIMUL_EXPORT std::pair<MemoryStream, MemoryStream> memory_stream_pair(
    std::size_t capacity = std::size_t{64} << 10);

/// One end of a connection in memory. It keeps the contract of a socket, with two liberties of which
/// a network makes use as well: an abort overtakes what is on its way, and a send to an end that is
/// closed fails at once (EPIPE).
class SIMUL_EXPORT MemoryStream final : public Stream {
 public:
  /// Nothing may be waiting on `other`.
  MemoryStream(MemoryStream&& other) noexcept;
  MemoryStream& operator=(MemoryStream&& other) noexcept;
  ~MemoryStream() override;

  /// How often each was tried, whatever came of it, and how often somebody had to wait.
  struct Counts {
    std::uint64_t recv = 0;
    std::uint64_t send = 0;
    std::uint64_t waits = 0;
  };
  [[nodiscard]] Counts counts() const noexcept;
  /// Bytes on their way to this end.
  [[nodiscard]] std::size_t pending() const noexcept;

  IoResult try_recv(MutableBytes buffer) noexcept override;
  IoResult try_send(Bytes first, std::span<const Bytes> rest) noexcept override;
  std::error_code try_shutdown() noexcept override;
  IoResult try_closed() noexcept override;
  std::error_code wait(StreamOp operation, Interest interest, Leaf& leaf) noexcept override;
  void forget(StreamOp operation) noexcept override;
  void close(CloseMode mode = CloseMode::graceful) noexcept override;

 private:
  friend std::pair<MemoryStream, MemoryStream> memory_stream_pair(
      const MemoryStreamOptions& options);
  struct End;
  class Turmoil;
  struct Link;
  MemoryStream(std::shared_ptr<Link> link, unsigned side) noexcept;

  [[nodiscard]] End& own() const noexcept;
  [[nodiscard]] End& peer() const noexcept;
  [[nodiscard]] bool can_send() const noexcept;

  std::shared_ptr<Link> link_;  // null: moved from
  unsigned side_;
};

}  // namespace simul
