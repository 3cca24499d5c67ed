#include <simul/stream.hpp>

#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <simul/cancel_scope.hpp>

#include "stream_leaf.hpp"

namespace simul {

template class SIMUL_EXPORT StreamLeaf<Closed, StreamOp::closed>;

Stream::~Stream() { assert(waiting_ == 0 && "a stream outlives those who wait on it"); }

void Stream::unread(Chunk rest) noexcept {
  if (rest.empty()) {
    return;
  }
  unread_.push_front(std::move(rest));
  recv_drained_ = false;
}

/// As unread, from memory that isn't a chunk.
void Stream::give_back(Bytes bytes) noexcept {
  while (!bytes.empty()) {
    Chunk chunk;
    if (!chunk.try_lease()) {
      // Rather no stream than one with a gap.
      unread_.clear();
      close(CloseMode::abort);
      return;
    }
    const Bytes end = bytes.last(std::min(bytes.size(), Chunk::kCapacity));
    std::memcpy(chunk.space().data(), end.data(), end.size());
    chunk.commit(end.size());
    unread(std::move(chunk));
    bytes = bytes.first(bytes.size() - end.size());
  }
}

/// Of what was given back; there is some.
std::size_t Stream::take_unread(MutableBytes buffer) noexcept {
  Chunk& front = unread_.front();
  const std::size_t taken = std::min(buffer.size(), front.size());
  std::memcpy(buffer.data(), front.data(), taken);
  front.consume(taken);
  if (front.empty()) {
    unread_.pop_front();
  }
  return taken;
}

std::error_code Stream::shutdown() noexcept { return try_shutdown(); }

IoResult Stream::try_send_file(int file, std::uint64_t offset, std::size_t count) noexcept {
  Chunk chunk;
  if (!chunk.try_lease()) {
    return IoResult::failed(detail::PackedError::system(ENOMEM));
  }
  ssize_t got = 0;
  do {
    got = ::pread(file, chunk.space().data(), std::min(count, Chunk::kCapacity),
                  static_cast<off_t>(offset));
  } while (got < 0 && errno == EINTR);
  if (got <= 0) {
    return got == 0 ? IoResult::failed(Errc::short_file)
                    : IoResult::failed(detail::PackedError::system(errno));
  }
  chunk.commit(static_cast<std::size_t>(got));
  return try_send(chunk, {});
}

Coro<std::error_code> Stream::linger(Duration timeout) {
  struct Closing {
    explicit Closing(Stream& of) noexcept : stream(of) {}
    Closing(const Closing&) = delete;
    Closing& operator=(const Closing&) = delete;
    ~Closing() { stream.close(); }
    Stream& stream;
  };
  const Closing closing(*this);
  if (const std::error_code error = shutdown()) {
    co_return error;
  }
  std::error_code end = std::make_error_code(std::errc::timed_out);
  auto discard = [&]() -> Coro<> {
    for (;;) {
      const auto chunk = co_await recv();
      if (!chunk) {
        end = chunk.error();
        co_return;
      }
    }
  };
  co_await move_on_after(timeout, discard);
  co_return end == Errc::end_of_stream ? std::error_code() : end;
}

bool Closed::attempt() noexcept {
  std::uint64_t nothing = 0;
  return settle(stream_.try_closed(), nothing);
}

std::error_code Closed::await_resume() {
  throw_if_cancelled();
  return error_.unpack();
}

}  // namespace simul
