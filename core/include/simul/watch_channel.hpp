// watch_channel: the latest value of something, and who wants to know when it changes.
//
//   auto [sender, receiver] = watch_channel(read_settings());
//   sender.send(read_settings());                             // replaces it; never waits
//   while (co_await receiver.changed()) {                     // ends when all senders are gone
//     apply(receiver.get());
//   }
//
// A receiver that is slow misses the values in between, never the latest. Where each one counts, use
// broadcast.hpp.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <system_error>
#include <type_traits>
#include <utility>

#include <simul/detail/channel_end.hpp>
#include <simul/detail/shared_leaf.hpp>
#include <simul/detail/subscription.hpp>
#include <simul/error.hpp>

namespace simul {

namespace detail {

template <typename T>
class WatchState : public EndCounts {
  static_assert(std::copy_constructible<T>, "every receiver gets a copy");
  static_assert(std::is_nothrow_swappable_v<T>,
                "a value is stored under the channel's mutex: swapping must not throw "
                "(send a std::shared_ptr to one where it may)");

 public:
  explicit WatchState(T value) noexcept(std::is_nothrow_move_constructible_v<T>)
      : value_(std::move(value)) {}

  /// The former value dies with the argument, after the unlocking: it may hold an end of this channel.
  void send(T& value) noexcept {
    WakeList woken;
    const std::lock_guard lock(mutex);
    using std::swap;
    swap(value_, value);
    ++version_;
    woken.add_all(waiting);
  }
  T get(std::uint64_t& seen) const {
    const std::lock_guard lock(mutex);
    T copy = value_;
    seen = version_;
    return copy;
  }
  /// False: closed, and the latest was seen.
  bool catch_up(std::uint64_t& seen) const noexcept {
    const std::lock_guard lock(mutex);
    return std::exchange(seen, version_) != version_;
  }
  [[nodiscard]] std::uint64_t locked_version() const noexcept {
    const std::lock_guard lock(mutex);
    return version_;
  }
  /// The mutex is held.
  [[nodiscard]] bool has_news(std::uint64_t seen) const noexcept {
    return seen != version_ || closed_;
  }

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

  mutable std::mutex mutex;
  SharedLeafList waiting;

 private:
  T value_;
  std::uint64_t version_ = 0;
  bool closed_ = false;
};

template <typename T>
class [[nodiscard]] WatchLeaf final : public SubscriptionLeaf {
 public:
  WatchLeaf(WatchState<T>& channel, std::uint64_t& seen, Claim& claim) noexcept
      : SubscriptionLeaf(channel.mutex, channel.waiting, claim), channel_(channel), seen_(seen) {}

  std::expected<void, std::error_code> await_resume() {
    woken();
    if (!channel_.catch_up(seen_)) {
      return std::unexpected(make_error_code(Errc::closed));
    }
    return {};
  }
  [[nodiscard]] const char* waits_for() const noexcept override { return "watch changed"; }

 private:
  [[nodiscard]] bool has_news() const noexcept override { return channel_.has_news(seen_); }

  WatchState<T>& channel_;
  std::uint64_t& seen_;
};

}  // namespace detail

/// Belongs to one task at a time. A copy is another receiver, which has seen what this one has.
template <typename T>
class WatchReceiver {
 public:
  WatchReceiver() noexcept = default;
  WatchReceiver(std::shared_ptr<detail::WatchState<T>> channel, std::uint64_t seen) noexcept
      : end_(std::move(channel)), seen_(seen) {}

  /// Waits until there is a value that this receiver hasn't seen, which then counts as seen. Errors:
  /// closed, once the latest was seen. Throws std::logic_error if another task waits in this receiver.
  /// Thread: any loop's. Cancel safety: a change that wasn't reported stays unseen.
  [[nodiscard]] detail::WatchLeaf<T> changed() noexcept {
    return detail::WatchLeaf<T>(*end_, seen_, claim_);
  }

  /// A copy of the latest value, which counts as seen. Throws what copying a `T` throws.
  [[nodiscard]] T get() { return end_->get(seen_); }

  /// How often the value was replaced since the channel was made. Thread: any.
  [[nodiscard]] std::uint64_t version() const noexcept { return end_->locked_version(); }

 private:
  detail::ChannelEnd<detail::WatchState<T>, detail::Side::receiving> end_;
  std::uint64_t seen_ = 0;
  detail::Claim claim_;
};

template <typename T>
class WatchSender {
 public:
  WatchSender() noexcept = default;
  explicit WatchSender(std::shared_ptr<detail::WatchState<T>> channel) noexcept
      : end_(std::move(channel)) {}

  /// Replaces the value, whether anybody looks or not. Never waits. Thread: any.
  void send(T value) const noexcept { end_->send(value); }

  /// A receiver that has seen the present value. Thread: any.
  [[nodiscard]] WatchReceiver<T> subscribe() const noexcept {
    return WatchReceiver<T>(end_.shared(), end_->locked_version());
  }

  /// As the destruction of the last sender. Thread: any.
  void close() const noexcept { end_->close(); }

  /// How many receivers there are. Thread: any.
  [[nodiscard]] std::size_t receivers() const noexcept {
    return end_->ends(detail::Side::receiving);
  }

 private:
  detail::ChannelEnd<detail::WatchState<T>, detail::Side::sending> end_;
};

template <typename T>
struct Watch {
  WatchSender<T> sender;
  WatchReceiver<T> receiver;
};

/// A channel that holds one value, at first `initial`, which its receiver counts as seen. `T`: copyable
/// (under the channel's mutex: make large ones a std::shared_ptr<const T>), nothrow swappable.
template <typename T>
[[nodiscard]] Watch<T> watch_channel(T initial) {
  const auto state = std::make_shared<detail::WatchState<T>>(std::move(initial));
  return {WatchSender<T>(state), WatchReceiver<T>(state, 0)};
}

}  // namespace simul
