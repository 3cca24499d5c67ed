#include "http/gzip.hpp"

#include <array>
#include <new>

#include <zlib.h>

namespace simul::http {
namespace {

// Half as dear as zlib's own choice, 6, and within a few per cent as good.
constexpr int kLevel = 4;
constexpr int kMemoryLevel = 8;
constexpr int kGzipWindow = 15 + 16;  // 32 KiB, and gzip's header instead of zlib's
constexpr std::size_t kPieceSize = std::size_t{16} << 10;

}  // namespace

struct Gzip::State {
  z_stream stream{};
  std::array<char, kPieceSize> piece;
  int flush = Z_NO_FLUSH;
};

Gzip::Gzip() : state_(std::make_unique_for_overwrite<State>()) {
  if (::deflateInit2(&state_->stream, kLevel, Z_DEFLATED, kGzipWindow, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
}

Gzip::~Gzip() { ::deflateEnd(&state_->stream); }

void Gzip::feed(std::string_view input, Input kind) noexcept {
  // zlib doesn't write there, whatever the type says.
  state_->stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
  state_->stream.avail_in = static_cast<uInt>(input.size());
  state_->flush = kind == Input::last ? Z_FINISH : Z_NO_FLUSH;
}

std::string_view Gzip::take() noexcept {
  z_stream& stream = state_->stream;
  stream.next_out = reinterpret_cast<Bytef*>(state_->piece.data());
  stream.avail_out = static_cast<uInt>(kPieceSize);
  ::deflate(&stream, state_->flush);
  return {state_->piece.data(), kPieceSize - stream.avail_out};
}

std::string gzip_all(std::string_view text) {
  Gzip gzip;
  gzip.feed(text, Gzip::Input::last);
  std::string all;
  for (std::string_view piece = gzip.take(); !piece.empty(); piece = gzip.take()) {
    all += piece;
  }
  return all;
}

}  // namespace simul::http
