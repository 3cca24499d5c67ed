// Event: a flag that tasks can wait for.
//
//   co_await ready.wait();               // in any number of tasks
//   ready.set();                         // wakes them all, in the order in which they came
//
// It is for the tasks of one loop. It counts nothing: set twice is set once, and who comes while it is
// set doesn't wait. For something to be had by one of them only take a Semaphore or a queue.
#pragma once

#include <coroutine>

#include <simul/detail/turn_leaf.hpp>
#include <simul/detail/wait_list.hpp>
#include <simul/export.hpp>

namespace simul {

class SIMUL_EXPORT Event {
 public:
  class Wait;

  /// Not set. Nobody may be waiting when it dies.
  Event() noexcept = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  /// Waits until the event is set. Those who wait when it is set go on, even if it is cleared before
  /// their turn has come. Cedes only if it has to wait, or if its step is used up.
  /// Thread: the loop's. Cancel safety: safe, there is nothing to lose.
  Wait wait() noexcept;

  /// Thread: the loop's.
  void set() noexcept;
  void clear() noexcept { set_ = false; }
  [[nodiscard]] bool is_set() const noexcept { return set_; }

 private:
  detail::WaitList waiters_;
  bool set_ = false;
};

class [[nodiscard]] SIMUL_EXPORT Event::Wait final : public detail::TurnLeaf {
 public:
  explicit Wait(Event& event) noexcept : TurnLeaf(event.waiters_), event_(event) {}
  bool await_ready() {
    check_cancelled();
    return attempt();
  }
  void await_resume() const { throw_if_cancelled(); }
  [[nodiscard]] const char* waits_for() const noexcept override { return "event"; }

 private:
  bool take() noexcept override { return event_.set_; }

  Event& event_;
};

inline Event::Wait Event::wait() noexcept { return Wait(*this); }

}  // namespace simul
