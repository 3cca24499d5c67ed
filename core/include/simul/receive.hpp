// The awaiters of a Stream's receiving side: recv, read_exactly, read_line, read_until. What they
// promise is said at the functions of Stream that make them; nobody names these classes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <simul/chunk.hpp>
#include <simul/export.hpp>
#include <simul/stream.hpp>
#include <simul/until.hpp>

namespace simul {

class [[nodiscard]] SIMUL_EXPORT RecvChunk : public StreamLeaf<RecvChunk, StreamOp::recv> {
 public:
  explicit RecvChunk(Stream& stream) noexcept : StreamLeaf(stream) {}
  std::expected<Chunk, std::error_code> await_resume();

 private:
  friend StreamLeaf;
  bool attempt() noexcept;

  Chunk chunk_;
};

class [[nodiscard]] SIMUL_EXPORT RecvInto final : public StreamLeaf<RecvInto, StreamOp::recv> {
 public:
  RecvInto(Stream& stream, MutableBytes buffer) noexcept : StreamLeaf(stream), buffer_(buffer) {}
  bool await_ready();
  std::expected<std::size_t, std::error_code> await_resume();

 private:
  friend StreamLeaf;
  bool attempt() noexcept;

  MutableBytes buffer_;
  std::size_t received_ = 0;
};

class [[nodiscard]] SIMUL_EXPORT ReadExactly final
    : public StreamLeaf<ReadExactly, StreamOp::recv> {
 public:
  ReadExactly(Stream& stream, MutableBytes buffer) noexcept : StreamLeaf(stream), buffer_(buffer) {}
  bool await_ready();
  std::expected<void, std::error_code> await_resume();

 private:
  friend StreamLeaf;
  bool attempt() noexcept;
  bool fail() noexcept;
  void on_cut_off() noexcept;

  MutableBytes buffer_;
  std::size_t received_ = 0;
};

class [[nodiscard]] SIMUL_EXPORT ReadUntil final : public StreamLeaf<ReadUntil, StreamOp::recv> {
 public:
  enum class Give : std::uint8_t { with_separator, without_separator };

  /// Up to the end of the stream.
  ReadUntil(Stream& stream, std::size_t limit) noexcept : StreamLeaf(stream), limit_(limit) {}
  ReadUntil(Stream& stream, std::string_view separator, std::size_t limit);
  ReadUntil(Stream& stream, std::span<const std::string_view> separators, std::size_t limit,
            Give give = Give::with_separator);
  std::expected<std::string, std::error_code> await_resume();

 private:
  friend StreamLeaf;
  struct Match;

  bool attempt() noexcept;
  bool take(Chunk& chunk);
  [[nodiscard]] Match find(std::string_view text) const noexcept;
  [[nodiscard]] bool too_long(std::size_t size) const noexcept;
  void measure_separators();
  bool fail() noexcept;
  void on_cut_off() noexcept;

  Give give_ = Give::with_separator;
  std::string_view separator_;
  std::span<const std::string_view> separators_;  // none: up to the end of the stream
  std::size_t longest_separator_ = 0;
  std::size_t limit_;
  std::size_t searched_ = 0;  // no separator begins before
  std::string text_;          // what has come so far, kept here and not in the connection
};

namespace detail {
// The short one first: its match bounds the search for the other, or a peer could make that quadratic.
inline constexpr std::array<std::string_view, 2> kLineEnds{"\n", "\r\n"};
}  // namespace detail

// Their code is in the library.
extern template class SIMUL_EXPORT StreamLeaf<RecvChunk, StreamOp::recv>;
extern template class SIMUL_EXPORT StreamLeaf<RecvInto, StreamOp::recv>;
extern template class SIMUL_EXPORT StreamLeaf<ReadExactly, StreamOp::recv>;
extern template class SIMUL_EXPORT StreamLeaf<ReadUntil, StreamOp::recv>;
extern template class SIMUL_EXPORT Until<RecvChunk>;

inline RecvChunk Stream::recv() noexcept { return RecvChunk(*this); }
inline RecvInto Stream::recv(MutableBytes buffer) noexcept { return {*this, buffer}; }
inline Until<RecvChunk> Stream::recv_until(TimePoint deadline) noexcept {
  return Until<RecvChunk>(deadline, *this);
}
inline ReadExactly Stream::read_exactly(MutableBytes buffer) noexcept { return {*this, buffer}; }
inline ReadUntil Stream::read_line(std::size_t limit) {
  return {*this, detail::kLineEnds, limit, ReadUntil::Give::without_separator};
}
inline ReadUntil Stream::read_until(std::string_view separator, std::size_t limit) {
  return {*this, separator, limit};
}
inline ReadUntil Stream::read_until_any(std::span<const std::string_view> separators,
                                        std::size_t limit) {
  return {*this, separators, limit};
}
inline ReadUntil Stream::read_all(std::size_t limit) { return {*this, limit}; }

}  // namespace simul
