#include "http/chunked_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <simul/loop.hpp>

#include "http/field_check.hpp"

namespace simul::http {
namespace {

constexpr std::size_t kSlice = std::size_t{64} << 10;  // has a deadline of its own
constexpr std::size_t kSizeLine = 18;

}  // namespace

Coro<BodyWriter::Result> ChunkedWriter::write(std::string_view text) {
  while (!text.empty() && !failed_) {
    const std::string_view slice = text.substr(0, kSlice);
    text.remove_prefix(slice.size());
    if (chunked_) {
      if (output_.room() < kSizeLine) {
        if (auto sent = co_await send({}, {}); !sent) {
          co_return sent;
        }
      }
      std::array<char, kSizeLine> line;
      char* const end = std::to_chars(line.data(), line.data() + 16, slice.size(), 16).ptr;
      std::ranges::copy(std::string_view("\r\n"), end);
      output_.append({line.data(), end + 2});
    }
    if (auto sent = co_await send(slice, chunked_ ? "\r\n" : ""); !sent) {
      co_return sent;
    }
    bytes_ += slice.size();
  }
  if (failed_) {
    co_return std::unexpected(make_error_code(Errc::broken_stream));
  }
  co_return Result();
}

Coro<BodyWriter::Result> ChunkedWriter::send(std::string_view text, std::string_view after) {
  failed_ =
      true;  // until it has succeeded: a cancelled send leaves a body that nobody can go on with
  const std::size_t size = output_.size() + text.size() + after.size();
  const auto sent = co_await peer_.send_until(output_.pieces(as_bytes(text), as_bytes(after)),
                                              settings_.deadline(Loop::current().now(), size));
  output_.clear();
  failed_ = !sent;
  co_return sent;
}

void ChunkedWriter::trailer(std::string_view name, std::string_view value) {
  require_trailer_field(name, value);
  trailers_.append(name).append(": ").append(value).append("\r\n");
}

Coro<bool> ChunkedWriter::end() {
  if (!chunked_) {
    co_return true;
  }
  std::string last = "0\r\n";
  last.append(trailers_).append("\r\n");
  std::string_view rest = last;
  for (;;) {
    rest.remove_prefix(output_.append(rest));
    if (rest.empty()) {
      co_return true;
    }
    if (!co_await send({}, {})) {
      co_return false;
    }
  }
}

}  // namespace simul::http
