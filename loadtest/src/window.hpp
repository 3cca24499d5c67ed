// Window: when each message in flight on a connection was due, oldest first. At most `depth` of them.
#pragma once

#include <cassert>
#include <cstddef>
#include <vector>

#include <simul/clock.hpp>

namespace simul::load {

class Window {
 public:
  explicit Window(std::size_t depth) : due_(depth) {}

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t room() const noexcept { return due_.size() - size_; }
  [[nodiscard]] TimePoint oldest() const noexcept { return due_[first_]; }

  void push(std::size_t count, TimePoint due) noexcept {
    assert(count <= room());
    for (; count > 0; --count) {
      due_[(first_ + size_++) % due_.size()] = due;
    }
  }
  TimePoint pop() noexcept {
    assert(size_ > 0);
    const TimePoint due = due_[first_];
    first_ = first_ + 1 == due_.size() ? 0 : first_ + 1;
    --size_;
    return due;
  }
  void clear() noexcept { size_ = 0; }

 private:
  std::vector<TimePoint> due_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace simul::load
