#include <simul/event.hpp>

namespace simul {

void Event::set() noexcept {
  set_ = true;
  while (!waiters_.empty()) {
    waiters_.serve_first();
  }
}

}  // namespace simul
