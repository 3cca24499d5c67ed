#include <simul/testing/memory_stream.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

namespace simul {
namespace {

constexpr std::size_t kOps = 3;

std::size_t index(StreamOp operation) noexcept { return static_cast<std::size_t>(operation); }

bool includes(Interest interests, Interest one) noexcept {
  return (static_cast<unsigned>(interests) & static_cast<unsigned>(one)) != 0;
}

}  // namespace

/// What one side knows: the bytes that travel to it, how its peer left, and who waits here.
struct MemoryStream::End {
  explicit End(std::size_t capacity) : ring(capacity) {}

  [[nodiscard]] std::size_t space() const noexcept { return ring.size() - size; }

  void put(Bytes bytes) noexcept {
    for (const std::byte byte : bytes) {
      ring[(begin + size++) % ring.size()] = byte;
    }
  }
  std::size_t take(MutableBytes buffer) noexcept {
    const std::size_t count = std::min(buffer.size(), size);
    for (std::size_t i = 0; i < count; ++i) {
      buffer[i] = ring[(begin + i) % ring.size()];
    }
    begin = (begin + count) % ring.size();
    size -= count;
    return count;
  }
  void wake(Interest event) noexcept {
    for (std::size_t op = 0; op < kOps; ++op) {
      if (waiting[op] != nullptr && includes(wanted[op], event)) {
        std::exchange(waiting[op], nullptr)->wake();
      }
    }
  }

  std::vector<std::byte> ring;
  std::size_t begin = 0;
  std::size_t size = 0;
  bool finished = false;  // will send no more
  bool closed = false;
  int error = 0;  // the first fatal one: reader and writer both get it
  std::array<Leaf*, kOps> waiting{};
  std::array<Interest, kOps> wanted{};
  Counts counts;
};

struct MemoryStream::Link {
  explicit Link(std::size_t capacity) : ends{End(capacity), End(capacity)} {}
  std::array<End, 2> ends;
};

std::pair<MemoryStream, MemoryStream> memory_stream_pair(std::size_t capacity) {
  auto link = std::make_shared<MemoryStream::Link>(std::max<std::size_t>(capacity, 1));
  return {MemoryStream(link, 0), MemoryStream(link, 1)};
}

MemoryStream::MemoryStream(std::shared_ptr<Link> link, unsigned side) noexcept
    : link_(std::move(link)), side_(side) {}

MemoryStream::MemoryStream(MemoryStream&& other) noexcept
    : Stream(static_cast<Stream&&>(other)), link_(std::move(other.link_)), side_(other.side_) {}

MemoryStream& MemoryStream::operator=(MemoryStream&& other) noexcept {
  close();
  Stream::operator=(static_cast<Stream&&>(other));  // its part only
  link_ = std::move(other.link_);
  side_ = other.side_;
  return *this;
}

MemoryStream::~MemoryStream() { close(); }

MemoryStream::End& MemoryStream::own() const noexcept { return link_->ends[side_]; }
MemoryStream::End& MemoryStream::peer() const noexcept { return link_->ends[1 - side_]; }

MemoryStream::Counts MemoryStream::counts() const noexcept { return own().counts; }
std::size_t MemoryStream::pending() const noexcept { return own().size; }

IoResult MemoryStream::try_recv(MutableBytes buffer) noexcept {
  if (!link_ || own().closed) {
    return IoResult::failed(Errc::closed);
  }
  End& end = own();
  ++end.counts.recv;
  if (end.size > 0) {
    const std::size_t bytes = end.take(buffer);
    peer().wake(Interest::writable);
    return IoResult::moved(bytes, end.size == 0 && !peer().finished);
  }
  if (end.error != 0) {
    return IoResult::failed({end.error, std::system_category()});
  }
  if (peer().finished) {
    return IoResult::failed(Errc::end_of_stream);
  }
  return IoResult::would_block(Interest::readable);
}

IoResult MemoryStream::try_send(Bytes first, std::span<const Bytes> rest) noexcept {
  if (!link_ || own().closed) {
    return IoResult::failed(Errc::closed);
  }
  End& end = own();
  ++end.counts.send;
  if (end.error == 0 && (end.finished || peer().closed)) {
    end.error = EPIPE;
  }
  if (end.error != 0) {
    return IoResult::failed({end.error, std::system_category()});
  }
  End& target = peer();
  if (target.space() == 0) {
    return IoResult::would_block(Interest::writable);
  }
  std::size_t sent = 0;
  std::size_t offered = 0;
  auto put = [&](Bytes bytes) {
    const std::size_t count = std::min(bytes.size(), target.space());
    target.put(bytes.first(count));
    sent += count;
    offered += bytes.size();
  };
  put(first);
  for (const Bytes bytes : rest) {
    put(bytes);
  }
  if (sent > 0) {
    target.wake(Interest::readable);
  }
  return IoResult::moved(sent, sent < offered);
}

std::error_code MemoryStream::try_shutdown() noexcept {
  if (!link_ || own().closed) {
    return Errc::closed;
  }
  own().finished = true;
  peer().wake(Interest::readable);
  own().wake(Interest::both);  // a closed() may be over now, a send can't go on
  return {};
}

IoResult MemoryStream::try_closed() noexcept {
  if (!link_ || own().closed) {
    return IoResult::failed(Errc::closed);
  }
  if (own().error != 0) {
    return IoResult::failed({own().error, std::system_category()});
  }
  if (peer().closed || (peer().finished && own().finished)) {
    return IoResult::failed(Errc::end_of_stream);
  }
  return IoResult::would_block(Interest::readable);
}

std::error_code MemoryStream::wait(StreamOp operation, Interest interest, Leaf& leaf) noexcept {
  if (!link_) {
    return Errc::closed;
  }
  ++own().counts.waits;
  const bool readable = own().size > 0 || peer().finished;
  const bool writable = peer().space() > 0 || own().finished || peer().closed;
  if (own().closed || own().error != 0 || (operation == StreamOp::closed && try_closed().error) ||
      (operation != StreamOp::closed && includes(interest, Interest::readable) && readable) ||
      (operation != StreamOp::closed && includes(interest, Interest::writable) && writable)) {
    leaf.wake();
    return {};
  }
  own().waiting[index(operation)] = &leaf;
  own().wanted[index(operation)] = interest;
  return {};
}

void MemoryStream::forget(StreamOp operation) noexcept {
  if (link_) {
    own().waiting[index(operation)] = nullptr;
  }
}

void MemoryStream::close(CloseMode mode) noexcept {
  if (!link_ || own().closed) {
    return;
  }
  own().closed = true;
  own().finished = true;
  if (mode == CloseMode::abort) {
    peer().size = 0;
    if (peer().error == 0) {
      peer().error = ECONNRESET;
    }
  }
  own().wake(Interest::both);
  peer().wake(Interest::both);
}

}  // namespace simul
