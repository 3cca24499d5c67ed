// Channel: a bounded queue between tasks, of one loop or of loops on different threads.
//
//   auto [sender, receiver] = channel<Job>(16);              // 0: they meet, nothing is stored
//   if (!co_await sender.send(std::move(job))) { ... }       // closed: nobody will receive it
//   while (auto job = co_await receiver.recv()) { ... }      // ends when all senders are gone
//
// Each item goes to one receiver (broadcast.hpp: to all of them), first in, first out, and so do the
// tasks that wait. Ends are handles: a copy is another one of the same channel. When the last sender
// is gone the receivers get what is left and then `closed`; when the last receiver is gone the senders
// get `closed` at once, and what was left is destroyed. There is no unbounded channel: what doesn't
// fit makes its sender wait, or is refused.
#pragma once

#include <concepts>
#include <cstddef>
#include <expected>
#include <memory>
#include <system_error>
#include <utility>

#include <simul/detail/channel_end.hpp>
#include <simul/detail/channel_state.hpp>
#include <simul/detail/ring_buffer.hpp>
#include <simul/error.hpp>
#include <simul/export.hpp>

namespace simul {

template <typename T>
class Sender {
 public:
  Sender() noexcept = default;
  explicit Sender(std::shared_ptr<detail::ChannelState<T>> channel) noexcept
      : end_(std::move(channel)) {}

  /// Waits until the channel has taken the item: until it is buffered or, in one of capacity 0, with
  /// a receiver. Errors: closed. Thread: any loop's.
  /// Cancel safety: `item` is moved from only if the channel took it. After an error or a
  /// cancellation the caller has it as it was. (It is a reference: await where you call.)
  [[nodiscard]] detail::SendLeaf<T> send(T&& item SIMUL_LIFETIMEBOUND) const noexcept {
    return detail::SendLeaf<T>(*end_, item);
  }
  /// Sends a copy.
  [[nodiscard]] detail::SendCopyLeaf<T> send(const T& item) const
    requires std::copy_constructible<T>
  {
    return detail::SendCopyLeaf<T>(*end_, item);
  }

  /// Doesn't wait: would_block if there is no room; `item` is then as it was. Thread: any.
  [[nodiscard]] std::expected<void, std::error_code> try_send(T&& item) const noexcept {
    if (const Errc error = end_->try_put(item); error != detail::kDone) {
      return std::unexpected(make_error_code(error));
    }
    return {};
  }
  [[nodiscard]] std::expected<void, std::error_code> try_send(const T& item) const
    requires std::copy_constructible<T>
  {
    return try_send(T(item));
  }

  /// Nothing can be sent any more, by no sender: those who wait get `closed`. What is in the buffer
  /// can still be received. Thread: any.
  void close() const noexcept { end_->close(); }

  /// Thread: any, as for the two below.
  [[nodiscard]] bool closed() const noexcept { return end_->closed(); }
  /// Items in the buffer, and room for how many there is.
  [[nodiscard]] std::size_t size() const noexcept { return end_->size(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return end_->capacity(); }

  /// False: moved from, or never had a channel.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(end_); }

 private:
  detail::ChannelEnd<detail::ChannelState<T>, detail::Side::sending> end_;
};

template <typename T>
class Receiver {
 public:
  Receiver() noexcept = default;
  explicit Receiver(std::shared_ptr<detail::ChannelState<T>> channel) noexcept
      : end_(std::move(channel)) {}

  /// Waits for an item. Errors: closed, once the channel is closed (or all senders are gone) and
  /// everything was received. Thread: any loop's.
  /// Cancel safety: none is lost. A receiver that was handed an item gets it, and its next await throws.
  [[nodiscard]] detail::RecvLeaf<T> recv() const noexcept { return detail::RecvLeaf<T>(*end_); }
  /// Doesn't wait: would_block if there is none. Thread: any.
  [[nodiscard]] std::expected<T, std::error_code> try_recv() const noexcept {
    return end_->try_take();
  }

  /// As Sender::close(): what is in the buffer can still be received.
  void close() const noexcept { end_->close(); }
  [[nodiscard]] bool closed() const noexcept { return end_->closed(); }
  [[nodiscard]] std::size_t size() const noexcept { return end_->size(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return end_->capacity(); }
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(end_); }

 private:
  detail::ChannelEnd<detail::ChannelState<T>, detail::Side::receiving> end_;
};

/// The two ends of a new channel.
template <typename T>
struct Channel {
  Sender<T> sender;
  Receiver<T> receiver;
};

namespace detail {

template <typename T, typename Buffer, typename... Args>
Channel<T> make_channel(std::size_t capacity, Args&&... args) {
  const std::shared_ptr<ChannelState<T>> state =
      std::make_shared<ChannelWith<T, Buffer>>(capacity, std::forward<Args>(args)...);
  return {Sender<T>(state), Receiver<T>(state)};
}

}  // namespace detail

/// First in, first out. Room for `capacity` items is allocated here, and nothing afterwards. With 0
/// nothing is stored: each send waits for the receiver that takes its item.
/// `T`: nothrow move constructible; its moves (not the destruction of items) happen under the
/// channel's mutex, and must not use the channel.
template <typename T>
[[nodiscard]] Channel<T> channel(std::size_t capacity) {
  return detail::make_channel<T, detail::RingBuffer<T>>(capacity);
}

}  // namespace simul
