#include <simul/testing/virtual_clock.hpp>

namespace simul {

VirtualClock::~VirtualClock() = default;

}  // namespace simul
