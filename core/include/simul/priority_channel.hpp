// A channel that gives the smallest item first.
//
//   auto [sender, receiver] = priority_channel<int>(16);
//   auto [urgent, work] = priority_channel<Job>(16, [](const Job& a, const Job& b) { return a.due < b.due; });
//
// Equal ones come in the order in which the channel took them. The order is that of the buffer: an
// item whose sender still waits for room is not in it yet.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include <simul/channel.hpp>

namespace simul {

namespace detail {

template <typename T, typename Compare>
class PriorityHeap {
  static_assert(std::is_nothrow_move_assignable_v<T>,
                "the items of a priority channel change places: their move assignment must be "
                "noexcept");

 public:
  PriorityHeap(std::size_t capacity, Compare before) : before_(std::move(before)) {
    if (capacity == 0) {
      throw std::invalid_argument("a channel with an order needs room for at least one item");
    }
    heap_.reserve(capacity);
  }
  void push(T&& item) noexcept {
    heap_.push_back(Entry{std::move(item), count_++});
    std::push_heap(heap_.begin(), heap_.end(), after());
  }
  void pop(std::optional<T>& into) noexcept {
    std::pop_heap(heap_.begin(), heap_.end(), after());
    into.emplace(std::move(heap_.back().item));
    heap_.pop_back();
  }
  void clear() noexcept { heap_.clear(); }

 private:
  struct Entry {
    T item;
    std::uint64_t number;  // in the order of their coming
  };
  /// What the standard's heaps, which have the greatest on top, have to take for "less".
  auto after() noexcept {
    return [this](const Entry& a, const Entry& b) {
      if (before_(b.item, a.item)) {
        return true;
      }
      return !before_(a.item, b.item) && b.number < a.number;
    };
  }

  Compare before_;
  std::vector<Entry> heap_;
  std::uint64_t count_ = 0;
};

}  // namespace detail

/// As channel(), but the first by `before(a, b)` comes first. `before` is called under the channel's
/// mutex and must not throw. `capacity` is at least 1: throws std::invalid_argument.
template <typename T, typename Compare = std::less<>>
[[nodiscard]] Channel<T> priority_channel(std::size_t capacity, Compare before = {}) {
  return detail::make_channel<T, detail::PriorityHeap<T, Compare>>(capacity, std::move(before));
}

}  // namespace simul
