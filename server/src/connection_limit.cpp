#include "connection_limit.hpp"

#include <algorithm>

#include <simul/loop.hpp>

namespace simul::server {

bool ConnectionLimit::try_enter() noexcept {
  std::uint32_t count = current_;
  do {
    if (count >= limit_) {
      return false;
    }
  } while (!current_.compare_exchange_weak(count, count + 1));
  for (std::uint32_t peak = peak_; peak < count + 1;) {
    if (peak_.compare_exchange_weak(peak, count + 1)) {
      break;
    }
  }
  return true;
}

void ConnectionLimit::leave() noexcept {
  --current_;
  if (waiting_count_ > 0) {
    admit_waiting();
  }
}

void ConnectionLimit::admit_waiting() noexcept {
  const std::lock_guard lock(mutex_);
  while (!waiting_.empty() && try_enter()) {
    Enter* first = waiting_.front();
    waiting_.pop_front();
    --waiting_count_;
    first->admitted();
  }
}

bool ConnectionLimit::Enter::await_ready() const {
  check_cancelled();
  return limit_.waiting_count_ == 0 && limit_.try_enter();
}

bool ConnectionLimit::Enter::await_suspend(std::coroutine_handle<>) {
  const std::lock_guard lock(limit_.mutex_);
  ++limit_.waiting_count_;
  if (limit_.waiting_.empty() && limit_.try_enter()) {  // somebody has left just now
    --limit_.waiting_count_;
    return false;
  }
  limit_.waiting_.push_back(this);
  suspend();
  return true;
}

/// From the list to the loop: until the message has arrived, this leaf can't be given up.
void ConnectionLimit::Enter::admitted() {
  loop().post([this] { wake(); });
}

bool ConnectionLimit::Enter::on_cancel() noexcept {
  const std::lock_guard lock(limit_.mutex_);
  const auto place = std::ranges::find(limit_.waiting_, this);
  if (place == limit_.waiting_.end()) {
    return false;  // admitted meanwhile
  }
  limit_.waiting_.erase(place);
  --limit_.waiting_count_;
  return true;
}

ConnectionLimit::Permit ConnectionLimit::Enter::await_resume() const {
  throw_if_cancelled();
  return Permit(limit_);
}

}  // namespace simul::server
