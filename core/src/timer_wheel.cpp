#include "timer_wheel.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace simul::detail {

TimerWheel::~TimerWheel() {
  for (Timer* timer : heap_) {
    timer->wheel_ = nullptr;
  }
  for (Timer* timer : slots_) {
    for (; timer != nullptr; timer = timer->next_) {
      timer->wheel_ = nullptr;
    }
  }
}

void TimerWheel::insert(Timer& timer, TimePoint deadline) {
  // What is past counts as the present: else a timer that is always armed for the past would be first
  // for ever, and keep the others from firing.
  timer.deadline_ = std::max(deadline, present_);
  timer.order_ = next_order_++;
  place(timer);
  timer.wheel_ = this;
  ++size_;
}

void TimerWheel::remove(Timer& timer) noexcept {
  take(timer);
  timer.wheel_ = nullptr;
  --size_;
}

void TimerWheel::place(Timer& timer) {
  const std::uint64_t tick = tick_of(timer.deadline_);
  if (tick <= elapsed_) {
    heap_push(timer);
    return;
  }
  // The highest digit in which it differs from the present names the level, the digit the slot.
  const auto highest_bit = 63u - static_cast<unsigned>(std::countl_zero(tick ^ elapsed_));
  const std::size_t level = highest_bit / kLevelBits;
  const std::size_t digit = (tick >> (level * kLevelBits)) & (kSlots - 1);
  const std::size_t slot = level * kSlots + digit;
  timer.slot_ = static_cast<std::uint16_t>(slot);
  timer.next_ = slots_[slot];
  timer.link_ = &slots_[slot];
  if (timer.next_ != nullptr) {
    timer.next_->link_ = &timer.next_;
  }
  slots_[slot] = &timer;
  occupied_[level] |= std::uint64_t{1} << digit;
}

void TimerWheel::take(Timer& timer) noexcept {
  if (timer.slot_ == kInHeap) {
    heap_remove(timer.heap_index_);
    return;
  }
  *timer.link_ = timer.next_;
  if (timer.next_ != nullptr) {
    timer.next_->link_ = timer.link_;
  }
  if (slots_[timer.slot_] == nullptr) {
    occupied_[timer.slot_ / kSlots] &= ~(std::uint64_t{1} << (timer.slot_ % kSlots));
  }
}

bool TimerWheel::first_slot(std::size_t& slot, std::uint64_t& tick) const noexcept {
  for (std::size_t level = 0; level < kLevels; ++level) {
    if (occupied_[level] != 0) {
      const auto digit = static_cast<std::size_t>(std::countr_zero(occupied_[level]));
      const std::size_t shift = level * kLevelBits;
      const std::uint64_t above = elapsed_ >> (shift + kLevelBits) << (shift + kLevelBits);
      slot = level * kSlots + digit;
      tick = above | (std::uint64_t{digit} << shift);
      return true;
    }
  }
  return false;
}

TimePoint TimerWheel::next() const noexcept {
  if (!heap_.empty()) {
    return heap_.front()->deadline_;
  }
  std::size_t slot = 0;
  std::uint64_t tick = 0;
  if (!first_slot(slot, tick)) {
    return kNever;
  }
  return TimePoint(Duration(static_cast<Duration::rep>(tick << kTickShift)));
}

void TimerWheel::cascade(std::uint64_t target) {
  std::size_t slot = 0;
  std::uint64_t tick = 0;
  while (first_slot(slot, tick) && tick <= target) {
    elapsed_ = tick;
    Timer* timer = std::exchange(slots_[slot], nullptr);
    occupied_[slot / kSlots] &= ~(std::uint64_t{1} << (slot % kSlots));
    while (timer != nullptr) {
      place(*std::exchange(timer, timer->next_));
    }
  }
  elapsed_ = target > elapsed_ ? target : elapsed_;
}

void TimerWheel::advance(TimePoint now) noexcept {
  present_ = std::max(present_, now);
  cascade(tick_of(now));
  const std::uint64_t armed_later = next_order_;
  while (!heap_.empty() && heap_.front()->deadline_ <= now && heap_.front()->order_ < armed_later) {
    Timer& due = *heap_.front();
    remove(due);
    due.on_timer();
  }
}

void TimerWheel::heap_push(Timer& timer) {
  heap_.push_back(&timer);
  timer.slot_ = kInHeap;
  timer.heap_index_ = static_cast<std::uint32_t>(heap_.size() - 1);
  sift_up(timer.heap_index_);
}

void TimerWheel::heap_remove(std::uint32_t index) noexcept {
  Timer* last = heap_.back();
  heap_.pop_back();
  if (index == heap_.size()) {
    return;
  }
  heap_set(index, last);
  sift_up(index);
  sift_down(last->heap_index_);
}

void TimerWheel::sift_up(std::uint32_t index) noexcept {
  while (index > 0) {
    const std::uint32_t parent = (index - 1) / 2;
    if (!earlier(*heap_[index], *heap_[parent])) {
      return;
    }
    Timer* child = heap_[index];
    heap_set(index, heap_[parent]);
    heap_set(parent, child);
    index = parent;
  }
}

void TimerWheel::sift_down(std::uint32_t index) noexcept {
  for (;;) {
    std::uint32_t first = index;
    for (std::uint32_t child = 2 * index + 1; child <= 2 * index + 2; ++child) {
      if (child < heap_.size() && earlier(*heap_[child], *heap_[first])) {
        first = child;
      }
    }
    if (first == index) {
      return;
    }
    Timer* child = heap_[first];
    heap_set(first, heap_[index]);
    heap_set(index, child);
    index = first;
  }
}

void TimerWheel::heap_set(std::uint32_t index, Timer* timer) noexcept {
  heap_[index] = timer;
  timer->heap_index_ = index;
}

}  // namespace simul::detail
