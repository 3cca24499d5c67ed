#include <simul/detail/tls_wire.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <coroutine>
#include <cstring>
#include <exception>
#include <new>
#include <utility>
#include <vector>

#include <simul/cancel_scope.hpp>
#include <simul/detail/task_access.hpp>
#include <simul/task.hpp>

namespace simul::detail {
namespace {

/// A peer that makes us answer (KeyUpdate) and doesn't read isn't read from either.
constexpr std::size_t kMostHeld = std::size_t{128} << 10;

/// For a goodbye to a peer that doesn't read.
constexpr Duration kSeeOff = std::chrono::seconds(5);

}  // namespace

struct TlsWire::Extra {
  std::vector<Chunk> held;  // encrypted, and not taken by the stream below yet
  Chunk arrived;            // during the handshake: what wasn't read of the last receive
  Flush* flush = nullptr;   // its task has it
};

/// Sends on what is held when nobody waits to send: a sender that was cancelled may leave the end of a
/// record, a shutdown its goodbye. A task of its own awaits it.
class TlsWire::Flush final : public Leaf {
 public:
  explicit Flush(TlsWire& wire) noexcept : wire_(&wire) {}
  ~Flush() { end(); }
  bool await_ready() {
    check_cancelled();
    return !wanted();
  }
  bool await_suspend(std::coroutine_handle<>) noexcept {
    if (!wait()) {
      return false;
    }
    suspend();
    return true;
  }
  void await_resume() noexcept(false) {
    end();
    throw_if_cancelled();
  }
  [[nodiscard]] const char* waits_for() const noexcept override { return "tls flush"; }

  /// Somebody else may have waited in its place.
  void wait_again() noexcept {
    if (waits_ && !wait()) {
      wake();
    }
  }
  void wake_up() noexcept {
    if (waits_) {
      wake();
    }
  }
  /// The wire closes.
  void let_go() noexcept {
    wire_ = nullptr;
    wake_up();
  }

 private:
  bool wait() noexcept {
    waits_ = !wire_->below_->wait(StreamOp::send, wire_->held_blocked_, *this);
    return waits_;
  }
  /// A sender, if there is one, flushes before it sends.
  bool wanted() noexcept {
    return wire_ != nullptr && wire_->waiter(StreamOp::send) == nullptr && !wire_->flush();
  }
  void end() noexcept {
    TlsWire* const wire = std::exchange(wire_, nullptr);
    if (wire == nullptr) {
      return;
    }
    if (wire->waiter(StreamOp::send) == nullptr) {
      wire->below_->forget(StreamOp::send);
    }
    wire->extra_->flush = nullptr;
    wire->tidy();
  }
  bool on_wake() noexcept override {
    waits_ = false;
    return !wanted() || !wait();
  }
  bool on_cancel() noexcept override {
    waits_ = false;
    return true;
  }

  TlsWire* wire_;  // null: there is nothing more to do
  bool waits_ = false;
};

TlsWire::TlsWire(std::unique_ptr<Stream> below) noexcept : below_(std::move(below)) {}
TlsWire::~TlsWire() = default;

// --- for OpenSSL -------------------------------------------------------------------------------

std::size_t TlsWire::read(MutableBytes buffer, bool& retry) noexcept {
  if (has_arrived()) [[unlikely]] {
    Chunk& arrived = extra_->arrived;
    const std::size_t bytes = std::min(buffer.size(), arrived.size());
    std::memcpy(buffer.data(), arrived.data(), bytes);
    arrived.consume(bytes);
    if (arrived.empty()) {
      arrived = Chunk();
      tidy();
    }
    return bytes;
  }
  if (handshaking_ || drained_ || reads_left_ == 0 || overfull()) {
    if (flooded()) {
      read_error_ = PackedError::system(EPROTO);
      return 0;
    }
    more_ = !drained_;
    read_blocked_ = Interest::readable;
    retry = true;
    return 0;
  }
  --reads_left_;
  const IoResult result = below_->try_recv(buffer);
  drained_ = result.drained;
  read_blocked_ = result.blocked;
  more_ = false;
  read_error_ = result.error;
  retry = result.blocked != Interest::none;
  return result.bytes;
}

void TlsWire::write(Bytes bytes) noexcept {
  if (!handshaking_ && !holds_bytes() && !write_error_) {
    const IoResult result = below_->try_send(bytes, {});
    write_error_ = result.error;
    unflushed_ |= result.unflushed;
    bytes = bytes.subspan(result.bytes);
    if (result.blocked != Interest::none) {
      held_blocked_ = result.blocked;
    } else if (result.unflushed || !bytes.empty()) {
      held_blocked_ = Interest::both;  // the next flush asks
    }
  }
  if (!write_error_ && !bytes.empty()) {
    hold(bytes);
  }
}

bool TlsWire::allow_message() noexcept {
  if (handshaking_ || ++messages_ <= kMostMessages) {
    return true;
  }
  messages_ = kMostMessages + 1;
  reads_left_ = 0;
  read_error_ = PackedError::system(EPROTO);
  return false;
}

Interest TlsWire::read_waits_for() const noexcept {
  const Interest reading = read_blocked_ == Interest::none ? Interest::readable : read_blocked_;
  if (!holds()) {
    return reading;
  }
  return overfull() || held_blocked_ == reading ? held_blocked_ : Interest::both;
}

// --- the handshake -----------------------------------------------------------------------------

bool TlsWire::has_arrived() const noexcept { return extra_ != nullptr && !extra_->arrived.empty(); }

Coro<std::error_code> TlsWire::exchange() {
  if (holds_bytes()) {
    for (const Chunk& chunk : extra_->held) {
      if (const auto sent = co_await below_->send(chunk); !sent) {
        co_return sent.error();
      }
    }
    extra_->held.clear();
  }
  auto chunk = co_await below_->recv();
  if (!chunk) {
    co_return chunk.error() == Errc::end_of_stream ? make_error_code(Errc::truncated)
                                                   : chunk.error();
  }
  extra().arrived = std::move(*chunk);
  co_return std::error_code();
}

void TlsWire::end_handshake() noexcept {
  handshaking_ = false;
  flush();
  keep_flushing();
}

// --- what is held ------------------------------------------------------------------------------

bool TlsWire::holds_bytes() const noexcept { return extra_ != nullptr && !extra_->held.empty(); }

bool TlsWire::overfull() const noexcept {
  return extra_ != nullptr && extra_->held.size() * Chunk::kCapacity > kMostHeld;
}

/// Throws std::bad_alloc.
TlsWire::Extra& TlsWire::extra() {
  if (extra_ == nullptr) {
    extra_ = std::make_unique<Extra>();
  }
  return *extra_;
}

void TlsWire::tidy() noexcept {
  if (extra_ != nullptr && extra_->held.empty() && extra_->arrived.empty() &&
      extra_->flush == nullptr) {
    extra_.reset();
  }
}

void TlsWire::hold(Bytes bytes) noexcept {
  try {
    std::vector<Chunk>& held = extra().held;
    while (!bytes.empty()) {
      if (held.empty() || held.back().space().empty()) {
        held.push_back(Chunk::lease());
      }
      const MutableBytes space = held.back().space();
      const std::size_t size = std::min(space.size(), bytes.size());
      std::memcpy(space.data(), bytes.data(), size);
      held.back().commit(size);
      bytes = bytes.subspan(size);
    }
  } catch (const std::bad_alloc&) {
    write_error_ = PackedError::system(ENOMEM);
  }
}

bool TlsWire::flush_held() noexcept {
  if (holds_bytes()) {
    std::vector<Chunk>& held = extra_->held;
    std::size_t gone = 0;
    while (gone < held.size() && !write_error_) {
      const IoResult result = below_->try_send(held[gone], {});
      write_error_ = result.error;
      unflushed_ |= result.unflushed;
      if (result.blocked != Interest::none) {
        held_blocked_ = result.blocked;
        break;
      }
      held[gone].consume(result.bytes);
      gone += held[gone].empty() ? 1 : 0;
    }
    held.erase(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(gone));
  }
  if (!holds_bytes() && unflushed_ && !write_error_) {
    const IoResult result = below_->try_flush();
    write_error_ = result.error;
    unflushed_ = result.blocked != Interest::none;
    if (unflushed_) {
      held_blocked_ = result.blocked;
    }
  }
  if (holds() && !write_error_) {
    return false;
  }
  unflushed_ = false;
  if (extra_ != nullptr) {
    extra_->held.clear();
    if (extra_->flush != nullptr) {
      extra_->flush->wake_up();
    }
    tidy();
  }
  return true;
}

void TlsWire::keep_flushing() noexcept {
  if (!holds() || waiter(StreamOp::send) != nullptr) {
    return;
  }
  if (extra_ != nullptr && extra_->flush != nullptr) {
    extra_->flush->wait_again();
    return;
  }
  try {
    Extra& known = extra();
    auto leaf = std::make_unique<Flush>(*this);
    known.flush = leaf.get();
    auto see_to_it = [](std::unique_ptr<Flush> flush) -> Coro<> { co_await *flush; };
    const Task<> task = spawn(see_to_it, std::move(leaf));
    TaskAccess::state(task).mark_expendable();
  } catch (const std::exception&) {  // no memory, or no loop: the next operation sees to it
  }
}

// --- the end -----------------------------------------------------------------------------------

void TlsWire::close(Stream::CloseMode mode) noexcept {
  const bool graceful =
      mode == Stream::CloseMode::graceful && !handshaking_;  // else it may be cut off
  if (graceful) {
    flush();
  }
  for (const StreamOp operation : {StreamOp::recv, StreamOp::send, StreamOp::closed}) {
    below_->forget(operation);
    if (Leaf* const leaf = std::exchange(waiter(operation), nullptr); leaf != nullptr) {
      leaf->wake();
    }
  }
  if (extra_ != nullptr && extra_->flush != nullptr) {
    std::exchange(extra_->flush, nullptr)->let_go();
  }
  if (graceful && holds_bytes() && leave_behind()) {
    return;
  }
  extra_.reset();
  below_->close(mode);
}

bool TlsWire::leave_behind() noexcept {
  try {
    auto see_off = [](std::unique_ptr<Stream> below, std::vector<Chunk> held) -> Coro<> {
      auto send = [&]() -> Coro<> {
        for (const Chunk& chunk : held) {
          if (!co_await below->send(chunk)) {
            co_return;
          }
        }
      };
      co_await move_on_after(kSeeOff, send);
      below->close();
    };
    const Task<> task = spawn(see_off, std::move(below_), std::move(extra_->held));
    TaskAccess::state(task).mark_expendable();
    extra_.reset();
    return true;
  } catch (const std::exception&) {  // no memory, or no loop
    return below_ == nullptr;
  }
}

}  // namespace simul::detail
