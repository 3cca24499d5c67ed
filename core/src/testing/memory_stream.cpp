#include <simul/testing/memory_stream.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <utility>
#include <vector>

#include <simul/detail/timer.hpp>
#include <simul/loop.hpp>
#include <simul/testing/seeded_random.hpp>

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
  [[nodiscard]] std::size_t arrived() const noexcept { return size - in_flight; }

  void put(Bytes bytes) noexcept {
    for (const std::byte byte : bytes) {
      ring[(begin + size++) % ring.size()] = byte;
    }
  }
  std::size_t take(MutableBytes buffer) noexcept {
    const std::size_t count = std::min(buffer.size(), arrived());
    for (std::size_t i = 0; i < count; ++i) {
      buffer[i] = ring[(begin + i) % ring.size()];
    }
    begin = (begin + count) % ring.size();
    size -= count;
    return count;
  }
  /// Does somebody wait here for bytes?
  [[nodiscard]] bool hungry() const noexcept {
    for (const StreamOp op : {StreamOp::recv, StreamOp::send}) {
      if (waiting[index(op)] != nullptr && includes(wanted[index(op)], Interest::readable)) {
        return true;
      }
    }
    return false;
  }
  void wake(Interest event) noexcept {
    for (std::size_t op = 0; op < kOps; ++op) {
      if (waiting[op] != nullptr && includes(wanted[op], event)) {
        std::exchange(waiting[op], nullptr)->wake();
      }
    }
  }
  void reset() noexcept {
    size = 0;
    in_flight = 0;
    if (error == 0) {
      error = ECONNRESET;
    }
    wake(Interest::both);
  }

  std::vector<std::byte> ring;
  std::size_t begin = 0;
  std::size_t size = 0;
  std::size_t in_flight = 0;  // of these: the last ones, which have not arrived
  bool finished = false;      // will send no more
  bool ended = false;         // knows that the peer will send no more
  bool closed = false;
  int error = 0;  // the first fatal one: reader and writer both get it
  std::array<Leaf*, kOps> waiting{};
  std::array<Interest, kOps> wanted{};
  Counts counts;
};

/// The chaos on the way to one end.
class MemoryStream::Turmoil final : private detail::Timer {
 public:
  Turmoil(const Chaos& chaos, std::uint64_t seed, End& target) noexcept
      : chaos_(chaos), random_(seed), target_(target) {}

  [[nodiscard]] std::size_t portion(std::size_t possible) noexcept {
    return possible > 1 && random_.one_in(chaos_.splits)
               ? 1 + static_cast<std::size_t>(random_.below(possible - 1))
               : possible;
  }
  /// Never twice in a row for the same operation, so that every wait has an end.
  [[nodiscard]] bool blocks(StreamOp operation) noexcept {
    bool& last = blocked_[index(operation)];
    return last = !last && random_.one_in(chaos_.false_blocks);
  }

  /// Puts what was sent just now, or the end of the stream, on its way.
  void send_off(std::size_t bytes, bool end) noexcept {
    Loop* loop = Loop::current_or_null();
    const Duration delay =
        loop != nullptr && random_.one_in(chaos_.delays)
            ? Duration(random_.below(static_cast<std::uint64_t>(chaos_.longest_delay.count()) + 1))
            : Duration::zero();
    target_.in_flight += bytes;
    if (loop == nullptr || (under_way_.empty() && delay == Duration::zero())) {
      deliver_all();
      deliver({.bytes = bytes, .end = end});
      return;
    }
    const TimePoint soonest = time_after(loop->exact_now(), delay);
    under_way_.push_back(
        {.arrival = under_way_.empty() ? soonest : std::max(soonest, under_way_.back().arrival),
         .bytes = bytes,
         .end = end,
         .loop = loop});
    arm_next();
  }
  /// Whatever is under way arrives now.
  void deliver_all() noexcept {
    while (!under_way_.empty()) {
      deliver(under_way_.front());
      under_way_.pop_front();
    }
    disarm();
  }
  void drop_all() noexcept {
    under_way_.clear();
    disarm();
  }

 private:
  struct Delivery {
    TimePoint arrival{};
    std::size_t bytes = 0;
    bool end = false;
    Loop* loop = nullptr;
  };

  void deliver(const Delivery& delivery) noexcept {
    target_.in_flight -= delivery.bytes;
    target_.ended |= delivery.end;
    target_.wake(Interest::readable);
  }
  void arm_next() noexcept {
    if (!armed() && !under_way_.empty()) {
      arm(*under_way_.front().loop, under_way_.front().arrival);
    }
  }
  void on_timer() noexcept override {
    deliver(under_way_.front());
    under_way_.pop_front();
    arm_next();
  }

  Chaos chaos_;
  SeededRandom random_;
  End& target_;
  std::deque<Delivery> under_way_;
  std::array<bool, kOps> blocked_{};
};

struct MemoryStream::Link {
  explicit Link(const MemoryStreamOptions& options)
      : ends{End(std::max<std::size_t>(options.capacity, 1)),
             End(std::max<std::size_t>(options.capacity, 1))},
        lockstep(options.lockstep) {
    if (options.chaos) {
      SeededRandom random(options.chaos->seed);
      for (std::size_t side = 0; side < ends.size(); ++side) {
        turmoil[side] = std::make_unique<Turmoil>(*options.chaos, random.next(), ends[side]);
      }
      if (options.chaos->reset_within > 0) {
        left_until_reset = 1 + random.below(options.chaos->reset_within);
      }
    }
  }

  /// `bytes` were put into the ring of `side`.
  void sent(std::size_t side, std::size_t bytes) noexcept {
    if (turmoil[side]) {
      turmoil[side]->send_off(bytes, false);
      if (left_until_reset > 0) {
        left_until_reset -= std::min<std::uint64_t>(left_until_reset, bytes);
        if (left_until_reset == 0) {
          reset(0);
          reset(1);
        }
      }
    } else {
      ends[side].wake(Interest::readable);
    }
  }
  /// `side` is to see the end of its stream.
  void end(std::size_t side) noexcept {
    if (turmoil[side]) {
      turmoil[side]->send_off(0, true);
    } else {
      ends[side].ended = true;
      ends[side].wake(Interest::readable);
    }
  }
  void deliver_all(std::size_t side) noexcept {
    if (turmoil[side]) {
      turmoil[side]->deliver_all();
    }
  }
  void reset(std::size_t side) noexcept {
    if (turmoil[side]) {
      turmoil[side]->drop_all();
    }
    ends[side].reset();
  }

  std::array<End, 2> ends;
  std::array<std::unique_ptr<Turmoil>, 2> turmoil;  // on the way to each end
  const bool lockstep;
  std::uint64_t left_until_reset = 0;  // bytes; 0: it won't be, or was
};

std::pair<MemoryStream, MemoryStream> memory_stream_pair(const MemoryStreamOptions& options) {
  auto link = std::make_shared<MemoryStream::Link>(options);
  return {MemoryStream(link, 0), MemoryStream(link, 1)};
}

std::pair<MemoryStream, MemoryStream> memory_stream_pair(std::size_t capacity) {
  return memory_stream_pair(MemoryStreamOptions{.capacity = capacity});
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

/// Is there room, and in lockstep somebody who wants it filled?
bool MemoryStream::can_send() const noexcept {
  return peer().space() > 0 && (!link_->lockstep || peer().hungry());
}

IoResult MemoryStream::try_recv(MutableBytes buffer) noexcept {
  if (!link_ || own().closed) {
    return IoResult::failed(Errc::closed);
  }
  End& end = own();
  ++end.counts.recv;
  if (const std::size_t arrived = std::min(end.arrived(), buffer.size()); arrived > 0) {
    if (Turmoil* turmoil = link_->turmoil[side_].get(); turmoil != nullptr) {
      if (turmoil->blocks(StreamOp::recv)) {
        return IoResult::would_block(Interest::readable);
      }
      buffer = buffer.first(turmoil->portion(arrived));
    }
    const std::size_t bytes = end.take(buffer);
    peer().wake(Interest::writable);
    return IoResult::moved(bytes, end.arrived() == 0 && !end.ended);
  }
  if (end.error != 0) {
    return IoResult::failed({end.error, std::system_category()});
  }
  if (end.ended) {
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
    link_->deliver_all(side_);
    end.error = EPIPE;
  }
  if (end.error != 0) {
    return IoResult::failed({end.error, std::system_category()});
  }
  if (!can_send()) {
    return IoResult::would_block(Interest::writable);
  }
  End& target = peer();
  std::size_t room = target.space();
  if (Turmoil* turmoil = link_->turmoil[1 - side_].get(); turmoil != nullptr) {
    if (turmoil->blocks(StreamOp::send)) {
      return IoResult::would_block(Interest::writable);
    }
    room = turmoil->portion(room);
  }
  std::size_t sent = 0;
  std::size_t offered = 0;
  auto put = [&](Bytes bytes) {
    const std::size_t count = std::min(bytes.size(), room - sent);
    target.put(bytes.first(count));
    sent += count;
    offered += bytes.size();
  };
  put(first);
  for (const Bytes bytes : rest) {
    put(bytes);
  }
  if (sent > 0) {
    link_->sent(1 - side_, sent);
  }
  return IoResult::moved(sent, sent < offered);
}

std::error_code MemoryStream::try_shutdown() noexcept {
  if (!link_ || own().closed) {
    return Errc::closed;
  }
  if (!std::exchange(own().finished, true)) {
    link_->end(1 - side_);
    own().wake(Interest::both);  // a closed() may be over now, a send can't go on
  }
  return {};
}

IoResult MemoryStream::try_closed() noexcept {
  if (!link_ || own().closed) {
    return IoResult::failed(Errc::closed);
  }
  if (own().error != 0) {
    return IoResult::failed({own().error, std::system_category()});
  }
  if (peer().closed || (own().ended && own().finished)) {
    return IoResult::failed(Errc::end_of_stream);
  }
  return IoResult::would_block(Interest::readable);
}

std::error_code MemoryStream::wait(StreamOp operation, Interest interest, Leaf& leaf) noexcept {
  if (!link_) {
    return Errc::closed;
  }
  End& end = own();
  ++end.counts.waits;
  const bool readable = end.arrived() > 0 || end.ended;
  const bool writable = can_send() || end.finished || peer().closed;
  if (end.closed || end.error != 0 || (operation == StreamOp::closed && try_closed().error) ||
      (operation != StreamOp::closed && includes(interest, Interest::readable) && readable) ||
      (operation != StreamOp::closed && includes(interest, Interest::writable) && writable)) {
    leaf.wake();
    return {};
  }
  end.waiting[index(operation)] = &leaf;
  end.wanted[index(operation)] = interest;
  if (link_->lockstep && operation != StreamOp::closed && includes(interest, Interest::readable)) {
    peer().wake(Interest::writable);
  }
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
  if (mode == CloseMode::abort) {
    link_->reset(1 - side_);
  } else if (!own().finished) {
    link_->end(1 - side_);
  }
  own().finished = true;
  own().wake(Interest::both);
  peer().wake(Interest::both);
}

}  // namespace simul
