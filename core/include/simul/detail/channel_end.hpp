// One end of a channel, counted: copies share it, and the destruction of the last one is what the
// other side hears of.
#pragma once

#include <array>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <memory>
#include <utility>

namespace simul::detail {

enum class Side : std::size_t { sending, receiving };

/// How many ends there are on each side; a base of what they share.
class EndCounts {
 public:
  [[nodiscard]] std::size_t ends(Side side) const noexcept { return count(side).load(); }

 protected:
  EndCounts() noexcept = default;
  ~EndCounts() = default;

 private:
  template <typename State, Side kSide>
  friend class ChannelEnd;
  std::atomic<std::size_t>& count(Side side) noexcept {
    return counts_[static_cast<std::size_t>(side)];
  }
  const std::atomic<std::size_t>& count(Side side) const noexcept {
    return counts_[static_cast<std::size_t>(side)];
  }

  std::array<std::atomic<std::size_t>, 2> counts_{};
};

/// `State` derives from EndCounts and has last_gone(Side).
template <typename State, Side kSide>
class ChannelEnd {
 public:
  ChannelEnd() noexcept = default;
  explicit ChannelEnd(std::shared_ptr<State> state) noexcept : state_(std::move(state)) { add(); }
  ChannelEnd(const ChannelEnd& other) noexcept : state_(other.state_) { add(); }
  ChannelEnd(ChannelEnd&& other) noexcept = default;
  ChannelEnd& operator=(ChannelEnd other) noexcept {
    state_.swap(other.state_);
    return *this;
  }
  ~ChannelEnd() {
    if (state_ && state_->count(kSide).fetch_sub(1) == 1) {
      state_->last_gone(kSide);
    }
  }

  State* operator->() const noexcept { return &**this; }
  State& operator*() const noexcept {
    assert(state_ && "this end of the channel was moved away");
    return *state_;
  }
  [[nodiscard]] const std::shared_ptr<State>& shared() const noexcept { return state_; }
  explicit operator bool() const noexcept { return state_ != nullptr; }

 private:
  void add() noexcept {
    if (state_) {
      state_->count(kSide).fetch_add(1, std::memory_order_relaxed);
    }
  }

  std::shared_ptr<State> state_;
};

}  // namespace simul::detail
