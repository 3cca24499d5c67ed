// cancel_everywhere: runs a scenario once per possible cancellation point.
//
//   cancel_everywhere([](Cut& cut) -> Coro<> {
//     Lock lock;
//     bool ended = co_await cut.run([&]() -> Coro<> { co_await use(lock); });
//     CHECK_FALSE(lock.locked());         // whatever was cut, wherever
//   });
//
// The first round cancels the victim before its first step, the next one a step later, and so on
// until it gets to its end uncut. A step is anything that the loop resumes, and each moment at which
// it would wait: so the victim is cut while it waits, while it is woken, and just before it is.
#pragma once

#include <cstddef>
#include <functional>
#include <utility>

#include <simul/coro.hpp>
#include <simul/export.hpp>
#include <simul/task.hpp>

namespace simul {

class SIMUL_EXPORT Cut {
 public:
  Cut(const Cut&) = delete;
  Cut& operator=(const Cut&) = delete;

  /// Runs `victim` as a task and cancels it when its time has come. True: it came to its end first.
  /// What it throws (but the cancellation) is thrown here. To be called once in each round.
  Coro<bool> run(std::function<Coro<>()> victim);

  /// The number of this round: the victim is cancelled after that many steps.
  [[nodiscard]] std::size_t round() const noexcept { return round_; }

 private:
  friend class CutClock;
  friend SIMUL_EXPORT std::size_t cancel_everywhere(const std::function<Coro<>(Cut&)>& scenario);
  explicit Cut(std::size_t round) noexcept : round_(round) {}
  bool step();

  std::size_t round_;
  std::size_t steps_ = 0;
  Task<>* victim_ = nullptr;  // while it can still be cut
};

/// Runs `scenario` as often as needed, each time on a new loop in virtual time with a network of its
/// own (for open_connection and open_listener); gives the number of
/// rounds in which the victim was cut. Throws what a scenario throws, and std::logic_error if it
/// never calls Cut::run or doesn't come to its end uncut within a million rounds.
SIMUL_EXPORT std::size_t cancel_everywhere(const std::function<Coro<>(Cut&)>& scenario);

}  // namespace simul
