// oneshot: one item, once, from any thread: the answer to a request.
//
//   auto [answer, asked] = oneshot<int>();
//   requests.try_send({question, std::move(answer)});
//   auto number = co_await asked.recv();         // closed: whoever had `answer` dropped it
//
// A Promise belongs to one loop and throws; this is for messages between tasks and threads.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <system_error>
#include <utility>

#include <simul/channel.hpp>

namespace simul {

/// The sending end. Move-only; its destruction tells the receiver (closed).
template <typename T>
class OneshotSender {
 public:
  OneshotSender() noexcept = default;
  explicit OneshotSender(Sender<T> sender) noexcept : sender_(std::move(sender)) {}
  OneshotSender(OneshotSender&&) noexcept = default;
  OneshotSender& operator=(OneshotSender&&) noexcept = default;
  OneshotSender(const OneshotSender&) = delete;
  OneshotSender& operator=(const OneshotSender&) = delete;
  ~OneshotSender() = default;

  /// Never waits; afterwards this end is empty. Errors: closed, and `item` is as it was. Sent is not
  /// received: if the receiver goes without having asked, the item goes with it. Thread: any.
  std::expected<void, std::error_code> send(T&& item) noexcept {
    return std::exchange(sender_, {}).try_send(std::move(item));
  }
  std::expected<void, std::error_code> send(const T& item)
    requires std::copy_constructible<T>
  {
    return send(T(item));
  }

  /// Is the receiver gone, so that an answer is of no use? Thread: any.
  [[nodiscard]] bool closed() const noexcept { return sender_.closed(); }
  /// False: sent, or moved from.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(sender_); }

 private:
  Sender<T> sender_;
};

/// The two ends. The receiver is an ordinary one: recv(), try_recv(), close(); after the item it says
/// `closed`.
template <typename T>
struct Oneshot {
  OneshotSender<T> sender;
  Receiver<T> receiver;
};

namespace detail {

/// Room for one item, within the channel itself.
template <typename T>
class Slot {
 public:
  explicit Slot(std::size_t) noexcept {}
  void push(T&& item) noexcept { item_.emplace(std::move(item)); }
  void pop(std::optional<T>& into) noexcept {
    into.emplace(*std::move(item_));
    item_.reset();
  }
  void clear() noexcept { item_.reset(); }

 private:
  std::optional<T> item_;
};

}  // namespace detail

/// One allocation for both ends. `T`: nothrow move constructible.
template <typename T>
[[nodiscard]] Oneshot<T> oneshot() {
  auto [sender, receiver] = detail::make_channel<T, detail::Slot<T>>(1);
  return {OneshotSender<T>(std::move(sender)), std::move(receiver)};
}

}  // namespace simul
