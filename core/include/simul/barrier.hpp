// Barrier: tasks wait for each other, and go on together when as many as agreed have come.
//
//   Barrier barrier(3);
//   std::size_t index = co_await barrier.wait();    // 0, 1, 2: in the order of their coming
//
// It is for the tasks of one loop. It can be used again and again: whoever comes after the last of one
// round waits for the next.
#pragma once

#include <coroutine>
#include <cstddef>
#include <stdexcept>

#include <simul/detail/turn_leaf.hpp>
#include <simul/detail/wait_list.hpp>
#include <simul/export.hpp>

namespace simul {

/// Thrown by Barrier::wait() if the others won't come.
class SIMUL_EXPORT BrokenBarrier : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  ~BrokenBarrier() override;
};

class SIMUL_EXPORT Barrier {
 public:
  class Wait;

  /// Throws std::invalid_argument if `parties` is 0. Nobody may be waiting when it dies.
  explicit Barrier(std::size_t parties);
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;

  /// Waits until `parties` tasks wait, this one included, and gives its index in the order of their
  /// coming, from 0; the last one doesn't wait, except for its turn if its step is used up. Throws
  /// BrokenBarrier when the barrier is broken, or is reset or aborted meanwhile. Thread: the loop's.
  /// Cancel safety: safe. Who is cancelled while waiting leaves: another has to come instead, and the
  /// indices of those behind move up. Once the last one has come all have their index, whatever happens
  /// to task or barrier before their turn.
  Wait wait() noexcept;

  /// Those who wait get BrokenBarrier; the barrier is whole and empty. Thread: the loop's.
  void reset() noexcept;
  /// Those who wait get BrokenBarrier, and so does who comes, until reset(). Thread: the loop's.
  void abort() noexcept;

  [[nodiscard]] std::size_t parties() const noexcept { return parties_; }
  /// How many wait.
  [[nodiscard]] std::size_t waiting() const noexcept { return waiters_.size(); }
  [[nodiscard]] bool broken() const noexcept { return broken_; }

 private:
  void turn_away() noexcept;

  detail::WaitList waiters_;
  std::size_t parties_;
  bool broken_ = false;
};

class [[nodiscard]] SIMUL_EXPORT Barrier::Wait final : public detail::TurnLeaf {
 public:
  explicit Wait(Barrier& barrier) noexcept : TurnLeaf(barrier.waiters_), barrier_(barrier) {}
  bool await_ready() {
    check_cancelled();
    return attempt();
  }
  std::size_t await_resume() const;
  [[nodiscard]] const char* waits_for() const noexcept override { return "barrier"; }

 private:
  friend class Barrier;
  bool take() noexcept override;

  Barrier& barrier_;
  std::size_t index_ = 0;
  bool turned_away_ = false;
};

inline Barrier::Wait Barrier::wait() noexcept { return Wait(*this); }

}  // namespace simul
