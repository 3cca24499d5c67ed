#include <simul/send_queue.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <stdexcept>

#include "stream_leaf.hpp"

namespace simul {
namespace {

constexpr std::size_t kMaxPieces = 64;  // of one gathered send

}  // namespace

struct SendQueue::Entry {
  static void* operator new(std::size_t size) { return detail::frame_allocate(size); }
  static void operator delete(void* block, std::size_t size) noexcept {
    detail::frame_free(block, size);
  }

  [[nodiscard]] Bytes bytes() const noexcept { return as_bytes(*message); }

  SharedBytes message;
  EntryPointer next;
  std::uint64_t number = 0;
};

// --- the sending side --------------------------------------------------------------------------

namespace detail {

/// Sends what is queued, and what is pushed meanwhile, until nothing is left. It looks at the queue
/// before each attempt, so that one system call takes as much as there is.
class QueueWriter final : public StreamLeaf<QueueWriter, StreamOp::send> {
 public:
  explicit QueueWriter(SendQueue& queue) noexcept : StreamLeaf(queue.stream_), queue_(queue) {}
  std::expected<void, std::error_code> await_resume() { return outcome(); }

 private:
  friend StreamLeaf;
  bool attempt() noexcept {
    if (stream_.broken_) {
      return settle(PackedError(Errc::broken_stream));
    }
    do {
      if (queue_.error_) {
        return settle(PackedError(queue_.error_));
      }
      if (queue_.first_ == nullptr) {  // all is sent, or what it waited to send was dropped
        return flushed();
      }
      const IoResult result = send_pieces();
      const bool done = settle(result, stream_.bytes_accepted_);
      if (result.bytes == 0) {
        return done;
      }
      queue_.sent(result.bytes);
      if (queue_.first_ == nullptr && !result.unflushed) {
        return true;
      }
    } while (may_go_on());
    return false;  // nothing blocks: it goes on in the task's next turn
  }

  IoResult send_pieces() noexcept {
    std::array<Bytes, kMaxPieces> pieces;
    std::size_t count = 0;
    for (const SendQueue::Entry* entry = queue_.first_.get();
         entry != nullptr && count < kMaxPieces; entry = entry->next.get()) {
      pieces[count++] = entry->bytes();
    }
    pieces[0] = pieces[0].subspan(queue_.first_sent_);
    return stream_.try_send(pieces[0], std::span(pieces).subspan(1, count - 1));
  }

  void on_cut_off() noexcept { stream_.broken_ |= queue_.first_sent_ > 0; }

  SendQueue& queue_;
};

}  // namespace detail

template class StreamLeaf<detail::QueueWriter, StreamOp::send>;

/// Waits for something to send, or for the end.
class SendQueue::Work final : public Leaf {
 public:
  explicit Work(SendQueue& queue) noexcept : queue_(queue) {}
  bool await_ready() {
    check_cancelled();
    return queue_.first_ != nullptr || queue_.closed_ || queue_.error_;
  }
  void await_suspend(std::coroutine_handle<>) noexcept {
    queue_.idle_writer_ = this;
    suspend();
  }
  void await_resume() { throw_if_cancelled(); }
  [[nodiscard]] const char* waits_for() const noexcept override { return "send queue"; }

 private:
  bool on_cancel() noexcept override {
    queue_.idle_writer_ = nullptr;
    return true;
  }
  SendQueue& queue_;
};

/// However run() ends, nobody goes on waiting.
struct SendQueue::Running {
  explicit Running(SendQueue& of) noexcept : queue(of) { queue.started_ = queue.running_ = true; }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    queue.running_ = false;
    queue.end(Errc::closed);
  }
  SendQueue& queue;
};

Coro<std::expected<void, std::error_code>> SendQueue::run() {
  if (started_) {
    throw std::logic_error("a send queue can be run only once");
  }
  const Running running(*this);
  for (;;) {
    co_await Work(*this);
    if (error_) {
      co_return std::unexpected(error_);
    }
    if (first_ == nullptr) {
      co_return {};
    }
    if (const auto all = co_await detail::QueueWriter(*this); !all) {
      end(all.error());
    }
  }
}

/// The stream has accepted so many.
void SendQueue::sent(std::size_t bytes) noexcept {
  queued_bytes_ -= bytes;
  first_sent_ += bytes;
  while (first_ != nullptr && first_sent_ >= first_->bytes().size()) {
    first_sent_ -= first_->bytes().size();
    first_ = std::move(first_->next);
  }
  let_in();
  tell_flushers();
}

// --- the pushing side --------------------------------------------------------------------------

SendQueue::SendQueue(Stream& stream, SendQueueOptions options)
    : stream_(stream),
      options_(options),
      low_water_(options.low_water.value_or(options.high_water / 4)) {
  if (low_water_ > options.high_water) {
    throw std::invalid_argument("a send queue's low water mark is above its high one");
  }
}

SendQueue::~SendQueue() {
  assert(!running_ && "a SendQueue was destroyed while it runs");
  drop_all();
}

SendQueue::EntryPointer SendQueue::make_entry(SharedBytes message) {
  assert(message != nullptr);
  auto entry = std::make_unique<Entry>();
  entry->message = std::move(message);
  return entry;
}

SendQueue::Push SendQueue::push(SharedBytes message) {
  return {*this, make_entry(std::move(message))};
}
SendQueue::Push SendQueue::push(std::string message) {
  return push(std::make_shared<const std::string>(std::move(message)));
}
std::error_code SendQueue::try_push(std::string message) {
  return try_push(std::make_shared<const std::string>(std::move(message)));
}

std::error_code SendQueue::try_push(SharedBytes message) {
  if (const std::error_code error = refusal()) {
    return error;
  }
  EntryPointer entry = make_entry(std::move(message));
  if (entry->bytes().empty()) {
    return {};
  }
  if (options_.when_full == WhenFull::drop_oldest && pushers_.empty()) {
    drop_until_there_is_room(*entry);
  }
  if (pushers_.empty() && has_room(*entry)) {
    append(std::move(entry));
    return {};
  }
  if (options_.when_full == WhenFull::close) {
    end(Errc::queue_full);
    stream_.close(Stream::CloseMode::abort);
  }
  return Errc::queue_full;
}

void SendQueue::close() noexcept {
  closed_ = true;
  refuse_pushers(Errc::closed);
  wake_writer();
}

std::error_code SendQueue::refusal() const noexcept {
  if (error_) {
    return error_;
  }
  return closed_ ? std::error_code(Errc::closed) : std::error_code();
}

bool SendQueue::has_room(const Entry& entry) const noexcept {
  const std::size_t size = entry.bytes().size();
  return first_ == nullptr ||
         (size <= options_.high_water && queued_bytes_ <= options_.high_water - size);
}

void SendQueue::append(EntryPointer entry) noexcept {
  entry->number = ++pushed_;
  if (entry->bytes().empty()) {
    return;
  }
  queued_bytes_ += entry->bytes().size();
  Entry* const added = entry.get();
  (first_ != nullptr ? last_->next : first_) = std::move(entry);
  last_ = added;
  wake_writer();
}

/// Drops nothing if that wouldn't be enough. A message that was sent in part stays: half of one would
/// be garbage.
void SendQueue::drop_until_there_is_room(const Entry& entry) noexcept {
  const bool begun = first_sent_ > 0;
  const std::size_t size = entry.bytes().size();
  if (begun && (size > options_.high_water ||
                first_->bytes().size() - first_sent_ > options_.high_water - size)) {
    return;
  }
  EntryPointer& oldest = begun ? first_->next : first_;
  while (oldest != nullptr && !has_room(entry)) {
    queued_bytes_ -= oldest->bytes().size();
    ++dropped_;
    oldest = std::move(oldest->next);
  }
  if (oldest == nullptr) {
    last_ = first_.get();
  }
  tell_flushers();
}

SendQueue::Push& SendQueue::first_pusher() const noexcept {
  return static_cast<Push&>(pushers_.front());
}

SendQueue::Flush& SendQueue::first_flusher() const noexcept {
  return static_cast<Flush&>(flushers_.front());
}

void SendQueue::let_in() noexcept {
  if (queued_bytes_ > low_water_) {
    return;
  }
  while (!pushers_.empty() && has_room(*first_pusher().entry_)) {
    append(std::move(first_pusher().entry_));
    pushers_.serve_first();
  }
}

void SendQueue::tell_flushers() noexcept {
  while (!flushers_.empty() && first_flusher().reached()) {
    flushers_.serve_first();
  }
}

/// The first reason counts. What is queued is lost.
void SendQueue::end(std::error_code error) noexcept {
  if (!error_) {
    error_ = error;
  }
  lost_ |= first_ != nullptr;
  drop_all();
  refuse_pushers(error_);
  while (!flushers_.empty()) {
    first_flusher().error_ = error_;
    flushers_.serve_first();
  }
  wake_writer();
}

void SendQueue::drop_all() noexcept {
  while (first_ != nullptr) {  // one by one: a chain of destructors could be deep
    first_ = std::move(first_->next);
  }
  first_sent_ = queued_bytes_ = 0;
}

void SendQueue::refuse_pushers(std::error_code error) noexcept {
  while (!pushers_.empty()) {
    first_pusher().error_ = error;
    pushers_.serve_first();
  }
}

void SendQueue::wake_writer() noexcept {
  if (idle_writer_ != nullptr) {
    std::exchange(idle_writer_, nullptr)->wake();
  }
}

// --- push --------------------------------------------------------------------------------------

SendQueue::Push::Push(SendQueue& queue, EntryPointer entry) noexcept
    : queue_(queue), entry_(std::move(entry)) {}
SendQueue::Push::~Push() = default;

bool SendQueue::Push::await_ready() {
  check_cancelled();
  error_ = queue_.refusal();
  if (error_) {
    return true;
  }
  if (queue_.pushers_.empty() && queue_.has_room(*entry_)) {
    queue_.append(std::move(entry_));
    return true;
  }
  return false;
}

void SendQueue::Push::await_suspend(std::coroutine_handle<>) noexcept {
  queue_.pushers_.push(*this);
  suspend();
}

std::expected<void, std::error_code> SendQueue::Push::await_resume() {
  throw_if_cancelled();
  if (error_) {
    return std::unexpected(error_);
  }
  return {};
}

bool SendQueue::Push::on_cancel() noexcept {
  queue_.pushers_.remove(*this);
  queue_.let_in();  // the next one may be smaller
  return true;
}

// --- flush -------------------------------------------------------------------------------------

bool SendQueue::Flush::reached() const noexcept {
  return queue_.first_ == nullptr || queue_.first_->number > target_;
}

bool SendQueue::Flush::await_ready() {
  check_cancelled();
  if (queue_.lost_) {
    error_ = queue_.error_;
  }
  return reached();
}

void SendQueue::Flush::await_suspend(std::coroutine_handle<>) noexcept {
  queue_.flushers_.push(*this);
  suspend();
}

std::expected<void, std::error_code> SendQueue::Flush::await_resume() {
  throw_if_cancelled();
  if (error_) {
    return std::unexpected(error_);
  }
  return {};
}

bool SendQueue::Flush::on_cancel() noexcept {
  queue_.flushers_.remove(*this);
  return true;
}

}  // namespace simul
