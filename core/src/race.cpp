#include <simul/race.hpp>

namespace simul::detail {

FinishLine::~FinishLine() = default;

void FinishLine::task_ended(std::size_t index) noexcept {
  if (!winner_ && task(index).state() != TaskState::cancelled) {
    winner_ = index;
    group_.cancel("another one has won the race");
  }
}

void throw_no_winner() { throw TaskCancelled("cancelled: all who took part in a race"); }

}  // namespace simul::detail
