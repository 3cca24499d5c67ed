// broadcast: every receiver gets every item that is sent after it subscribed.
//
//   auto [sender, receiver] = broadcast<News>(64);
//   BroadcastReceiver<News> another = sender.subscribe();
//   sender.send(news);                                        // never waits
//   while (auto item = co_await receiver.recv()) {            // ends when all senders are gone
//     if (item->missed > 0) { ... }                           // it was too slow for so many
//     show(item->value);
//   }
//
// The last `capacity` items are kept. A receiver that falls further behind loses the oldest, is told
// how many, and goes on with the oldest that is kept. A sender never waits for a slow receiver: where
// it should, give each receiver a channel.
#pragma once

#include <algorithm>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#include <simul/detail/channel_end.hpp>
#include <simul/detail/shared_leaf.hpp>
#include <simul/detail/subscription.hpp>
#include <simul/error.hpp>

namespace simul {

/// What a receiver gets: the item, and how many before it were overwritten unseen.
template <typename T>
struct BroadcastItem {
  T value;
  std::uint64_t missed = 0;
};

namespace detail {

template <typename T>
class BroadcastState : public EndCounts {
  static_assert(std::copy_constructible<T>, "every receiver gets a copy");
  static_assert(
      std::is_nothrow_move_constructible_v<T>,
      "an item is stored under the channel's mutex: its move constructor must be noexcept "
      "(send a std::shared_ptr to one whose isn't)");

 public:
  explicit BroadcastState(std::size_t capacity) : ring_(capacity) {
    if (capacity == 0) {
      throw std::invalid_argument("a broadcast channel needs room for at least one item");
    }
  }

  std::size_t send(T item) noexcept {
    std::optional<T> overwritten;  // dies after the unlocking: it may hold an end of this channel
    WakeList woken;
    const std::lock_guard lock(mutex);
    const std::size_t receivers = closed_ ? 0 : ends(Side::receiving);
    if (receivers == 0) {
      overwritten.emplace(std::move(item));
      return 0;
    }
    std::optional<T>& place = ring_[sent_ % ring_.size()];
    if (place) {
      overwritten.emplace(*std::move(place));
    }
    place.emplace(std::move(item));
    ++sent_;
    woken.add_all(waiting);
    return receivers;
  }

  /// `next` is the number of the item that the receiver wants next.
  std::expected<BroadcastItem<T>, std::error_code> take(std::uint64_t& next) {
    const std::lock_guard lock(mutex);
    if (next == sent_) {
      return std::unexpected(make_error_code(closed_ ? Errc::closed : Errc::would_block));
    }
    const std::uint64_t oldest = sent_ - std::min<std::uint64_t>(sent_, ring_.size());
    const std::uint64_t number = std::max(next, oldest);
    BroadcastItem<T> item{*ring_[number % ring_.size()], number - next};
    next = number + 1;
    return item;
  }

  /// The mutex is held.
  [[nodiscard]] bool has_news(std::uint64_t next) const noexcept {
    return next != sent_ || closed_;
  }
  /// The number of the next item. The mutex is held.
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }

  void close() noexcept {
    WakeList woken;
    const std::lock_guard lock(mutex);
    closed_ = true;
    woken.add_all(waiting);
  }
  void last_gone(Side side) noexcept {
    if (side == Side::sending) {
      close();
    }
  }

  std::mutex mutex;
  SharedLeafList waiting;

 private:
  std::vector<std::optional<T>> ring_;
  std::uint64_t sent_ = 0;
  bool closed_ = false;
};

template <typename T>
class [[nodiscard]] BroadcastRecvLeaf final : public SubscriptionLeaf {
 public:
  BroadcastRecvLeaf(BroadcastState<T>& channel, std::uint64_t& next, Claim& claim) noexcept
      : SubscriptionLeaf(channel.mutex, channel.waiting, claim), channel_(channel), next_(next) {}

  std::expected<BroadcastItem<T>, std::error_code> await_resume() {
    woken();
    return channel_.take(next_);
  }
  [[nodiscard]] const char* waits_for() const noexcept override { return "broadcast recv"; }

 private:
  [[nodiscard]] bool has_news() const noexcept override { return channel_.has_news(next_); }

  BroadcastState<T>& channel_;
  std::uint64_t& next_;
};

}  // namespace detail

/// Belongs to one task at a time; another task subscribes for itself. Moved, not copied.
template <typename T>
class BroadcastReceiver {
 public:
  BroadcastReceiver() noexcept = default;
  BroadcastReceiver(std::shared_ptr<detail::BroadcastState<T>> channel, std::uint64_t next) noexcept
      : end_(std::move(channel)), next_(next) {}
  BroadcastReceiver(BroadcastReceiver&&) noexcept = default;
  BroadcastReceiver& operator=(BroadcastReceiver&&) noexcept = default;
  BroadcastReceiver(const BroadcastReceiver&) = delete;
  BroadcastReceiver& operator=(const BroadcastReceiver&) = delete;
  ~BroadcastReceiver() = default;

  /// Waits for the next item. Errors: closed, once everything was received. Throws std::logic_error
  /// if another task waits in this receiver, and what copying a `T` throws (it can then be received
  /// again). Thread: any loop's. Cancel safety: an item counts as received only when it is given.
  [[nodiscard]] detail::BroadcastRecvLeaf<T> recv() noexcept {
    return detail::BroadcastRecvLeaf<T>(*end_, next_, claim_);
  }
  /// Doesn't wait: would_block if there is none.
  [[nodiscard]] std::expected<BroadcastItem<T>, std::error_code> try_recv() {
    return end_->take(next_);
  }

 private:
  detail::ChannelEnd<detail::BroadcastState<T>, detail::Side::receiving> end_;
  std::uint64_t next_ = 0;
  detail::Claim claim_;
};

template <typename T>
class BroadcastSender {
 public:
  BroadcastSender() noexcept = default;
  explicit BroadcastSender(std::shared_ptr<detail::BroadcastState<T>> channel) noexcept
      : end_(std::move(channel)) {}

  /// Gives the number of receivers that can get it: with none (or after close()) it is dropped. Never
  /// waits. Thread: any.
  std::size_t send(T item) const noexcept { return end_->send(std::move(item)); }

  /// A receiver of what is sent from now on. Thread: any.
  [[nodiscard]] BroadcastReceiver<T> subscribe() const {
    const std::lock_guard lock(end_->mutex);
    return BroadcastReceiver<T>(end_.shared(), end_->sent());
  }

  /// As the destruction of the last sender: receivers get what is left, then `closed`. Thread: any.
  void close() const noexcept { end_->close(); }

  /// How many receivers there are. Thread: any.
  [[nodiscard]] std::size_t receivers() const noexcept {
    return end_->ends(detail::Side::receiving);
  }

 private:
  detail::ChannelEnd<detail::BroadcastState<T>, detail::Side::sending> end_;
};

template <typename T>
struct Broadcast {
  BroadcastSender<T> sender;
  BroadcastReceiver<T> receiver;
};

/// Room for `capacity` items (at least 1: throws std::invalid_argument) is allocated here, and nothing
/// afterwards; an item stays in it until it is overwritten. `T`: copyable, nothrow move constructible.
/// It is copied under the channel's mutex: make large ones a std::shared_ptr<const T>.
template <typename T>
[[nodiscard]] Broadcast<T> broadcast(std::size_t capacity) {
  BroadcastSender<T> sender(std::make_shared<detail::BroadcastState<T>>(capacity));
  BroadcastReceiver<T> receiver = sender.subscribe();
  return {std::move(sender), std::move(receiver)};
}

}  // namespace simul
