#include "http/gzip_stream.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <simul/http/body_writer.hpp>
#include <simul/sleep.hpp>

#include "http/gzip.hpp"
#include "http/read_file.hpp"
#include "http/response_access.hpp"

namespace simul::http {
namespace {

constexpr std::size_t kPieceSize = std::size_t{16} << 10;  // half a millisecond of compression

struct Work {
  Gzip gzip;
  std::array<char, kPieceSize> input;
};

Coro<> compress(std::shared_ptr<const KnownFile> file, std::shared_ptr<void> /*place*/,
                BodyWriter& out) {
  const auto work = std::make_unique<Work>();  // too large for a frame
  const std::uint64_t size = file->file().size();
  for (std::uint64_t offset = 0; offset < size;) {
    const std::size_t count = std::min<std::uint64_t>(kPieceSize, size - offset);
    if (!read_file(file->file(), offset, std::span(work->input).first(count))) {
      throw std::runtime_error("a file became shorter while it was sent");
    }
    offset += count;
    work->gzip.feed({work->input.data(), count},
                    offset < size ? Gzip::Input::more : Gzip::Input::last);
    for (std::string_view piece = work->gzip.take(); !piece.empty(); piece = work->gzip.take()) {
      if (!co_await out.write(piece)) {
        co_return;
      }
    }
    co_await yield_now();
  }
}

}  // namespace

std::shared_ptr<void> GzipPlaces::take() {
  if (taken_->fetch_add(1, std::memory_order_relaxed) >= kPlaces) {
    taken_->fetch_sub(1, std::memory_order_relaxed);
    return nullptr;
  }
  return {taken_.get(),
          [taken = taken_](void*) { taken->fetch_sub(1, std::memory_order_relaxed); }};
}

Response gzip_stream(std::shared_ptr<const KnownFile> file, std::shared_ptr<void> place,
                     std::string fields) {
  const std::string_view type = file->content_type();
  auto produce = [file = std::move(file), place = std::move(place)](BodyWriter& out) {
    return compress(file, place, out);
  };
  return detail::ResponseAccess::make(200, type, detail::StreamBody{std::move(produce)},
                                      std::move(fields));
}

}  // namespace simul::http
