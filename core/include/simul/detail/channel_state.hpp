// What the ends of a channel share: who waits, and the rules. The order of the items is the business
// of a buffer (ring_buffer.hpp, priority_channel.hpp ...).
#pragma once

#include <cassert>
#include <cstddef>
#include <expected>
#include <mutex>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

#include <simul/detail/channel_end.hpp>
#include <simul/detail/shared_leaf.hpp>
#include <simul/error.hpp>

namespace simul::detail {

template <typename T>
class SendLeaf;
template <typename T>
class RecvLeaf;

/// Errc{} is success here.
inline constexpr Errc kDone{};

/// At any time: a receiver waits only if there is neither an item nor a waiting sender, a sender only
/// if the buffer is full. Items go from hand to hand under the mutex, so nobody can come in between.
template <typename T>
class ChannelState : public EndCounts {
  static_assert(std::is_object_v<T> && std::is_nothrow_move_constructible_v<T>,
                "an item changes hands under the channel's mutex: its move constructor must be "
                "noexcept (send a std::unique_ptr to one whose isn't)");

 public:
  ChannelState(const ChannelState&) = delete;
  ChannelState& operator=(const ChannelState&) = delete;
  virtual ~ChannelState() {
    assert(senders_.empty() && receivers_.empty() && "a channel ends while a task waits in it");
  }

  [[nodiscard]] Errc try_put(T& item) noexcept {
    WakeList woken;
    const std::lock_guard lock(mutex_);
    return put(item, woken);
  }
  [[nodiscard]] std::expected<T, std::error_code> try_take() noexcept {
    std::optional<T> item;
    WakeList woken;
    const std::lock_guard lock(mutex_);
    const Errc error = take(item, woken);
    if (error != kDone) {
      return std::unexpected(make_error_code(error));
    }
    return *std::move(item);
  }
  void close() noexcept {
    WakeList woken;
    const std::lock_guard lock(mutex_);
    close(woken);
  }
  void last_gone(Side side) noexcept {
    {
      WakeList woken;
      const std::lock_guard lock(mutex_);
      assert((side == Side::sending ? senders_ : receivers_).empty() &&
             "the end of a channel is destroyed while a task waits in it");
      close(woken);
      if (side == Side::sending) {
        return;
      }
      size_ = 0;
    }
    // Closed, and nobody can receive: the items are ours. They may hold ends of channels themselves,
    // this one too, so they die outside of the mutex.
    discard();
  }

  [[nodiscard]] bool closed() const noexcept {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  [[nodiscard]] std::size_t size() const noexcept {
    const std::lock_guard lock(mutex_);
    return size_;
  }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

 protected:
  explicit ChannelState(std::size_t capacity) noexcept : capacity_(capacity) {}

 private:
  friend class SendLeaf<T>;
  friend class RecvLeaf<T>;

  // The buffer. It is never asked for an item that it hasn't, nor given one too many.
  virtual void push(T&& item) noexcept = 0;
  virtual void pop(std::optional<T>& into) noexcept = 0;
  virtual void discard() noexcept = 0;

  Errc put(T& item, WakeList& woken) noexcept {
    if (closed_) {
      return Errc::closed;
    }
    if (auto* receiver = static_cast<RecvLeaf<T>*>(receivers_.pop_front())) {
      receiver->item_.emplace(std::move(item));
      woken.add(*receiver);
      return kDone;
    }
    if (size_ == capacity_) {
      return Errc::would_block;
    }
    push(std::move(item));
    ++size_;
    return kDone;
  }

  Errc take(std::optional<T>& into, WakeList& woken) noexcept {
    auto* sender = static_cast<SendLeaf<T>*>(senders_.pop_front());
    if (sender != nullptr) {
      woken.add(*sender);
    }
    if (size_ > 0) {
      pop(into);
      if (sender != nullptr) {
        push(std::move(*sender->item_));
      } else {
        --size_;
      }
      return kDone;
    }
    if (sender != nullptr) {
      into.emplace(std::move(*sender->item_));
      return kDone;
    }
    return closed_ ? Errc::closed : Errc::would_block;
  }

  void close(WakeList& woken) noexcept {
    closed_ = true;
    while (auto* sender = static_cast<SendLeaf<T>*>(senders_.pop_front())) {
      sender->error_ = Errc::closed;
      woken.add(*sender);
    }
    woken.add_all(receivers_);  // that they were handed nothing is what tells them
  }

  mutable std::mutex mutex_;
  SharedLeafList senders_;
  SharedLeafList receivers_;
  std::size_t size_ = 0;
  const std::size_t capacity_;
  bool closed_ = false;
};

/// A channel that keeps its items in a `Buffer`: push(T&&), pop(optional&), clear(), none of which
/// allocates or throws.
template <typename T, typename Buffer>
class ChannelWith final : public ChannelState<T> {
 public:
  template <typename... Args>
  explicit ChannelWith(std::size_t capacity, Args&&... args)
      : ChannelState<T>(capacity), buffer_(capacity, std::forward<Args>(args)...) {}

 private:
  void push(T&& item) noexcept override { buffer_.push(std::move(item)); }
  void pop(std::optional<T>& into) noexcept override { buffer_.pop(into); }
  void discard() noexcept override { buffer_.clear(); }

  Buffer buffer_;
};

template <typename T>
class [[nodiscard]] SendLeaf : public SharedLeaf {
 public:
  SendLeaf(ChannelState<T>& channel, T& item) noexcept
      : SharedLeaf(channel.mutex_), channel_(channel), item_(&item) {}

  std::expected<void, std::error_code> await_resume() const {
    throw_if_cancelled();
    if (error_ != kDone) {
      return std::unexpected(make_error_code(error_));
    }
    return {};
  }
  [[nodiscard]] const char* waits_for() const noexcept final { return "channel send"; }

 private:
  friend class ChannelState<T>;
  bool finish_or_wait(WakeList& woken) noexcept final {
    const Errc error = channel_.put(*item_, woken);
    if (error == Errc::would_block) {
      channel_.senders_.push_back(*this);
      return false;
    }
    error_ = error;
    return true;
  }

  ChannelState<T>& channel_;
  T* item_;
  Errc error_ = kDone;
};

template <typename T>
struct Kept {
  T item;
};

/// Sends a copy, which it keeps meanwhile.
template <typename T>
class [[nodiscard]] SendCopyLeaf final : private Kept<T>, public SendLeaf<T> {
 public:
  SendCopyLeaf(ChannelState<T>& channel, const T& item)
      : Kept<T>{item}, SendLeaf<T>(channel, static_cast<Kept<T>&>(*this).item) {}
};

template <typename T>
class [[nodiscard]] RecvLeaf final : public SharedLeaf {
 public:
  explicit RecvLeaf(ChannelState<T>& channel) noexcept
      : SharedLeaf(channel.mutex_), channel_(channel) {}

  std::expected<T, std::error_code> await_resume() {
    throw_if_cancelled();
    if (!item_) {
      return std::unexpected(make_error_code(Errc::closed));
    }
    return *std::move(item_);
  }
  [[nodiscard]] const char* waits_for() const noexcept override { return "channel recv"; }

 private:
  friend class ChannelState<T>;
  bool finish_or_wait(WakeList& woken) noexcept override {
    if (channel_.take(item_, woken) == Errc::would_block) {
      channel_.receivers_.push_back(*this);
      return false;
    }
    return true;
  }

  ChannelState<T>& channel_;
  std::optional<T> item_;
};

}  // namespace simul::detail
