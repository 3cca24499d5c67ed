// The awaiters of a Stream's sending side: send, send_some, send_file. What they promise is said at
// the functions of Stream that make them; nobody names these classes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>
#include <system_error>

#include <simul/chunk.hpp>
#include <simul/export.hpp>
#include <simul/stream.hpp>
#include <simul/until.hpp>

namespace simul {

// One piece alone needs less room in the frame of every handler than a list of them would.
class [[nodiscard]] SIMUL_EXPORT Send : public StreamLeaf<Send, StreamOp::send> {
 public:
  Send(Stream& stream, Bytes bytes) noexcept : StreamLeaf(stream), bytes_(bytes) {}
  std::expected<void, std::error_code> await_resume();

 private:
  friend StreamLeaf;
  bool attempt() noexcept;
  [[nodiscard]] bool accepted_all() const noexcept;
  void on_cut_off() noexcept;

  bool begun_ = false;
  Bytes bytes_;
};

class [[nodiscard]] SIMUL_EXPORT SendPieces : public StreamLeaf<SendPieces, StreamOp::send> {
 public:
  SendPieces(Stream& stream, std::span<const Bytes> pieces) noexcept
      : StreamLeaf(stream), rest_(pieces) {}
  std::expected<void, std::error_code> await_resume();

 private:
  friend StreamLeaf;
  bool attempt() noexcept;
  [[nodiscard]] bool accepted_all() const noexcept;
  void on_cut_off() noexcept;
  bool skip_empty() noexcept;

  bool begun_ = false;
  Bytes first_;
  std::span<const Bytes> rest_;
};

class [[nodiscard]] SIMUL_EXPORT SendSome final : public StreamLeaf<SendSome, StreamOp::send> {
 public:
  SendSome(Stream& stream, Bytes bytes) noexcept : StreamLeaf(stream), bytes_(bytes) {}
  std::expected<std::size_t, std::error_code> await_resume();

 private:
  friend StreamLeaf;
  bool attempt() noexcept;
  [[nodiscard]] bool accepted_all() const noexcept;

  Bytes bytes_;
  std::size_t sent_ = 0;
};

class [[nodiscard]] SIMUL_EXPORT SendFile : public StreamLeaf<SendFile, StreamOp::send> {
 public:
  SendFile(Stream& stream, int file, std::uint64_t offset, std::uint64_t count) noexcept
      : StreamLeaf(stream), file_(file), offset_(offset), left_(count) {}
  std::expected<void, std::error_code> await_resume();

 private:
  friend StreamLeaf;
  bool attempt() noexcept;
  [[nodiscard]] bool accepted_all() const noexcept;
  void on_cut_off() noexcept;

  bool begun_ = false;
  int file_;
  std::uint64_t offset_;
  std::uint64_t left_;
};

// Their code is in the library.
extern template class SIMUL_EXPORT StreamLeaf<Send, StreamOp::send>;
extern template class SIMUL_EXPORT StreamLeaf<SendPieces, StreamOp::send>;
extern template class SIMUL_EXPORT StreamLeaf<SendSome, StreamOp::send>;
extern template class SIMUL_EXPORT StreamLeaf<SendFile, StreamOp::send>;
extern template class SIMUL_EXPORT Until<Send>;
extern template class SIMUL_EXPORT Until<SendPieces>;
extern template class SIMUL_EXPORT Until<SendFile>;

inline Send Stream::send(Bytes bytes) noexcept { return {*this, bytes}; }
inline Send Stream::send(std::string_view text) noexcept { return {*this, as_bytes(text)}; }
inline SendPieces Stream::send(std::span<const Bytes> pieces) noexcept { return {*this, pieces}; }
inline SendSome Stream::send_some(Bytes bytes) noexcept { return {*this, bytes}; }
inline SendFile Stream::send_file(int file, std::uint64_t offset, std::uint64_t count) noexcept {
  return {*this, file, offset, count};
}
inline Until<Send> Stream::send_until(Bytes bytes, TimePoint deadline) noexcept {
  return Until<Send>(deadline, *this, bytes);
}
inline Until<Send> Stream::send_until(std::string_view text, TimePoint deadline) noexcept {
  return Until<Send>(deadline, *this, as_bytes(text));
}
inline Until<SendPieces> Stream::send_until(std::span<const Bytes> pieces,
                                            TimePoint deadline) noexcept {
  return Until<SendPieces>(deadline, *this, pieces);
}
inline Until<SendFile> Stream::send_file_until(int file, std::uint64_t offset, std::uint64_t count,
                                               TimePoint deadline) noexcept {
  return Until<SendFile>(deadline, *this, file, offset, count);
}

}  // namespace simul
