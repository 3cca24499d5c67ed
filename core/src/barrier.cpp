#include <simul/barrier.hpp>

namespace simul {

BrokenBarrier::~BrokenBarrier() = default;

Barrier::Barrier(std::size_t parties) : parties_(parties) {
  if (parties == 0) {
    throw std::invalid_argument("a barrier needs at least one party");
  }
}

void Barrier::reset() noexcept {
  broken_ = false;
  turn_away();
}

void Barrier::abort() noexcept {
  broken_ = true;
  turn_away();
}

void Barrier::turn_away() noexcept {
  while (!waiters_.empty()) {
    static_cast<Wait&>(waiters_.front()).turned_away_ = true;
    waiters_.serve_first();
  }
}

std::size_t Barrier::Wait::await_resume() const {
  throw_if_cancelled();
  if (turned_away_) {
    throw BrokenBarrier("the barrier was reset or aborted");
  }
  return index_;
}

bool Barrier::Wait::take() noexcept {
  if (barrier_.broken_) {
    turned_away_ = true;
    return true;
  }
  detail::WaitList& waiters = barrier_.waiters_;
  if (waiters.size() + 1 < barrier_.parties_) {
    return false;
  }
  while (!waiters.empty()) {
    static_cast<Wait&>(waiters.front()).index_ = index_++;
    waiters.serve_first();
  }
  return true;
}

}  // namespace simul
