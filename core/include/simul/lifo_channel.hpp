// A channel that gives the latest item first: for work whose oldest is worth least.
//
//   auto [sender, receiver] = lifo_channel<Frame>(16);
//
// The tasks that wait still take their turns first in, first out.
#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <simul/channel.hpp>

namespace simul {

namespace detail {

template <typename T>
class Stack {
 public:
  explicit Stack(std::size_t capacity) {
    if (capacity == 0) {
      throw std::invalid_argument("a channel with an order needs room for at least one item");
    }
    items_.reserve(capacity);
  }
  void push(T&& item) noexcept { items_.push_back(std::move(item)); }
  void pop(std::optional<T>& into) noexcept {
    into.emplace(std::move(items_.back()));
    items_.pop_back();
  }
  void clear() noexcept { items_.clear(); }

 private:
  std::vector<T> items_;
};

}  // namespace detail

/// As channel(), but last in, first out. `capacity` is at least 1: throws std::invalid_argument.
template <typename T>
[[nodiscard]] Channel<T> lifo_channel(std::size_t capacity) {
  return detail::make_channel<T, detail::Stack<T>>(capacity);
}

}  // namespace simul
