// A fixed number of places for items, first in, first out: the buffer of an ordinary channel.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

namespace simul::detail {

template <typename T>
class RingBuffer {
 public:
  /// Allocates all places at once.
  explicit RingBuffer(std::size_t capacity)
      : capacity_(capacity), places_(std::make_unique<Place[]>(capacity)) {}
  RingBuffer(const RingBuffer&) = delete;
  RingBuffer& operator=(const RingBuffer&) = delete;
  ~RingBuffer() { clear(); }

  void push(T&& item) noexcept {
    std::construct_at(&places_[(first_ + size_++) % capacity_].item, std::move(item));
  }
  void pop(std::optional<T>& into) noexcept {
    T& first = places_[first_].item;
    into.emplace(std::move(first));
    std::destroy_at(&first);
    first_ = (first_ + 1) % capacity_;
    --size_;
  }
  void clear() noexcept {
    for (; size_ > 0; --size_, first_ = (first_ + 1) % capacity_) {
      std::destroy_at(&places_[first_].item);
    }
  }

 private:
  union Place {
    Place() noexcept {}
    ~Place() {}
    T item;
  };

  std::size_t capacity_;
  std::unique_ptr<Place[]> places_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace simul::detail
