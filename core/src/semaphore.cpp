#include <simul/semaphore.hpp>

#include <cassert>
#include <stdexcept>

namespace simul {

Semaphore::Semaphore(std::size_t permits, std::size_t maximum)
    : permits_(permits), maximum_(maximum) {
  if (permits > maximum) {
    throw std::invalid_argument("a semaphore begins with at most its maximum of permits");
  }
}

Semaphore::Permit Semaphore::try_acquire() noexcept {
  if (!take()) {
    return {};
  }
  return Permit(*this);
}

void Semaphore::release() {
  if (permits_ == maximum_) {
    throw std::logic_error("this semaphore has all its permits: more were given back than taken");
  }
  give_back();
}

bool Semaphore::take() noexcept {
  if (permits_ == 0) {
    return false;
  }
  --permits_;
  return true;
}

void Semaphore::give_back() noexcept {
  if (!waiters_.empty()) {
    waiters_.serve_first();
    return;
  }
  assert(permits_ < maximum_ && "a permit was given back twice, by itself and by release()");
  ++permits_;
}

void Semaphore::Permit::release() {
  if (semaphore_ == nullptr) {
    throw std::logic_error("this permit is empty");
  }
  std::exchange(semaphore_, nullptr)->give_back();
}

}  // namespace simul
