// Semaphore: a number of permits, first come, first served.
//
//   Semaphore slots(10);
//   {
//     Semaphore::Permit permit = co_await slots.acquire();
//     co_await fetch(url);               // at most ten at a time
//   }                                    // the next in line has the permit now
//
// It is for the tasks of one loop. A permit belongs to nobody: a task may have several, and one task may
// give back what another took. For "each task at most once" take a CapacityLimiter.
#pragma once

#include <coroutine>
#include <cstddef>
#include <limits>
#include <utility>

#include <simul/detail/turn_leaf.hpp>
#include <simul/detail/wait_list.hpp>
#include <simul/export.hpp>

namespace simul {

class SIMUL_EXPORT Semaphore {
 public:
  class Permit;
  class Acquire;

  /// `permits` to begin with, and never more than `maximum` of them: Semaphore(3, 3) notices when one
  /// is given back that wasn't taken. Throws std::invalid_argument if there are more at once. Nobody may
  /// be waiting when it dies, and no Permit outlives it.
  explicit Semaphore(std::size_t permits,
                     std::size_t maximum = std::numeric_limits<std::size_t>::max());
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  /// Waits for a permit, and gives it as a Permit. One that comes back goes to the first in line at
  /// once: nobody can get in between. Cedes only if it has to wait, or if its step is used up.
  /// Thread: the loop's.
  /// Cancel safety: safe. A task that was cancelled while it waited gets no permit; one that was handed
  /// its permit before has it, and its next await throws.
  Acquire acquire() noexcept;
  /// A permit if there is one, and else an empty Permit. Thread: the loop's.
  [[nodiscard]] Permit try_acquire() noexcept;
  /// Adds a permit: a new one, or one that was forgotten. (A Permit comes back by itself.) Throws
  /// std::logic_error if there are as many as there may be. Thread: the loop's.
  void release();

  /// How many can be had without waiting.
  [[nodiscard]] std::size_t available() const noexcept { return permits_; }

 private:
  [[nodiscard]] bool take() noexcept;
  void give_back() noexcept;

  detail::WaitList waiters_;
  std::size_t permits_;
  std::size_t maximum_;
};

/// One permit, which goes back at the end of its life.
class [[nodiscard]] SIMUL_EXPORT Semaphore::Permit {
 public:
  /// Empty.
  Permit() noexcept = default;
  Permit(Permit&& other) noexcept : semaphore_(std::exchange(other.semaphore_, nullptr)) {}
  Permit& operator=(Permit&& other) noexcept {
    Permit moved(std::move(other));
    std::swap(semaphore_, moved.semaphore_);
    return *this;
  }
  ~Permit() {
    if (semaphore_ != nullptr) {
      semaphore_->give_back();
    }
  }

  /// Gives it back now. Throws std::logic_error if it is empty.
  void release();
  /// Doesn't give it back: somebody will call Semaphore::release() instead, or nobody.
  void forget() noexcept { semaphore_ = nullptr; }
  /// Is it one?
  [[nodiscard]] explicit operator bool() const noexcept { return semaphore_ != nullptr; }

 private:
  friend class Semaphore;
  explicit Permit(Semaphore& semaphore) noexcept : semaphore_(&semaphore) {}

  Semaphore* semaphore_ = nullptr;
};

class [[nodiscard]] SIMUL_EXPORT Semaphore::Acquire final : public detail::TurnLeaf {
 public:
  explicit Acquire(Semaphore& semaphore) noexcept
      : TurnLeaf(semaphore.waiters_), semaphore_(semaphore) {}
  bool await_ready() {
    check_cancelled();
    return attempt();
  }
  Permit await_resume() {
    throw_if_cancelled();
    return Permit(semaphore_);
  }
  [[nodiscard]] const char* waits_for() const noexcept override { return "semaphore"; }

 private:
  bool take() noexcept override { return semaphore_.take(); }

  Semaphore& semaphore_;
};

inline Semaphore::Acquire Semaphore::acquire() noexcept { return Acquire(*this); }

}  // namespace simul
