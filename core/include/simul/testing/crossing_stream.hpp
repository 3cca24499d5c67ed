// CrossingStream: a stream over another that is as awkward as TLS, without cryptography. For tests of
// whatever waits for streams: that it waits for what an attempt says and not for what the direction of
// the operation suggests.
//
//   auto [a, b] = memory_stream_pair();
//   CrossingStream near(std::make_unique<MemoryStream>(std::move(a)));    // and the same for b
//
// It crosses wants: a recv has to write an acknowledgement now and then and says that it is blocked
// for `writable` as well; a send that has used up its credit is blocked for `readable`. It hides bytes: what it
// has read and decoded waits inside while nothing is readable below. What was read on behalf of one
// operation may be what another one waits for.
//
// Both ends must be CrossingStreams. When the stream below is full, the end that shutdown() announces
// goes out with the next operation or close().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <system_error>

#include <simul/export.hpp>
#include <simul/stream.hpp>

namespace simul {

class SIMUL_EXPORT CrossingStream final : public Stream {
 public:
  /// Unacknowledged bytes that may be on their way in each direction.
  static constexpr std::size_t kWindow = 1024;

  explicit CrossingStream(std::unique_ptr<Stream> below) noexcept;
  ~CrossingStream() override;

  /// How often a recv waited to write, and a send waited to read.
  struct Crossings {
    std::uint64_t recv = 0;
    std::uint64_t send = 0;
  };
  [[nodiscard]] Crossings crossings() const noexcept { return crossings_; }

  IoResult try_recv(MutableBytes buffer) noexcept override;
  IoResult try_send(Bytes first, std::span<const Bytes> rest) noexcept override;
  std::error_code try_shutdown() noexcept override;
  IoResult try_closed() noexcept override;
  std::error_code wait(StreamOp operation, Interest interest, Leaf& leaf) noexcept override;
  void forget(StreamOp operation) noexcept override;
  void close(CloseMode mode = CloseMode::graceful) noexcept override;

 private:
  void read_below() noexcept;
  void decode(std::byte symbol) noexcept;
  bool say_end() noexcept;
  IoResult acknowledge() noexcept;
  void watch_for_closed() noexcept;
  void wake(StreamOp operation) noexcept;
  [[nodiscard]] Leaf*& waiter(StreamOp operation) noexcept {
    return waiting_[static_cast<std::size_t>(operation)];
  }

  std::unique_ptr<Stream> below_;
  std::array<Leaf*, 3> waiting_{};
  std::array<std::byte, kWindow> hidden_{};  // a ring: received and decoded
  std::size_t hidden_begin_ = 0;
  std::size_t hidden_size_ = 0;
  std::size_t unacknowledged_ = 0;  // bytes handed out since the last acknowledgement
  std::size_t owed_ = 0;            // acknowledgements
  std::size_t credit_ = kWindow;    // bytes that may be sent
  int high_received_ = -1;          // half of a byte
  int high_sent_ = -1;
  detail::PackedError broken_;         // of the stream below
  Interest blocked_ = Interest::none;  // what the next read below waits for
  Crossings crossings_;
  bool about_to_acknowledge_ = false;
  bool recv_news_ = false;  // another operation has read them since the last attempt
  bool send_news_ = false;
  bool ended_ = false;       // own direction
  bool end_unsaid_ = false;  // and the peer doesn't know it
  bool peer_ended_ = false;
  bool below_ended_ = false;  // nor will it acknowledge anything
  bool closed_ = false;
};

}  // namespace simul
