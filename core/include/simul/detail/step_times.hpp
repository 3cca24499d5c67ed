// What a loop that counts the time of its tasks' steps keeps of each.
#pragma once

#include <cstdint>

#include <simul/clock.hpp>

namespace simul::detail {

struct StepTimes {
  TimePoint counted_from{};  // the epoch: nothing was counted
  Duration busy{};
  std::uint32_t polls = 0;  // times in a row that it woke itself only to look again
};

}  // namespace simul::detail
