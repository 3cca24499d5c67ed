// What a CallHandle points to. It waits for a time, for the end of something, or for its turn.
#pragma once

#include <cstdint>

#include <simul/callback.hpp>
#include <simul/detail/completion.hpp>
#include <simul/detail/frame_pool.hpp>
#include <simul/detail/ready.hpp>
#include <simul/detail/timer.hpp>

namespace simul::detail {

class Callback final : private Ready, private Timer, private CompletionWaiter {
 public:
  static void* operator new(std::size_t size) { return frame_allocate(size); }
  static void operator delete(void* block, std::size_t size) noexcept { frame_free(block, size); }

  static CallHandle soon(Loop& loop, Function function);
  static CallHandle at(Loop& loop, TimePoint deadline, Function function);
  static CallHandle on_completion(Loop& loop, CompletionWaiters& waiters, bool completed,
                                  Function function);
  /// The loop ends: those that wait for a time or for the end of something are cancelled.
  static void cancel_all(Loop& loop) noexcept;

  void cancel() noexcept;
  [[nodiscard]] bool cancelled() const noexcept { return state_ == State::cancelled; }
  [[nodiscard]] TimePoint when() const noexcept { return when_; }

  void add_reference() noexcept { ++references_; }
  void drop_reference() noexcept {
    if (--references_ == 0) {
      delete this;
    }
  }

 private:
  enum class State : std::uint8_t { timed, waiting, queued, called, cancelled };

  Callback(Loop& loop, Function function) noexcept : loop_(loop), function_(std::move(function)) {}
  ~Callback() = default;

  void queue() noexcept;
  void link(State state) noexcept;
  void unlink() noexcept;
  void run_ready() noexcept override;
  void on_timer() noexcept override;
  void on_completion() noexcept override;

  Loop& loop_;
  Function function_;
  CompletionWaiters* waiters_ = nullptr;
  Callback* next_ = nullptr;  // of those of the loop that wait
  Callback** link_ = nullptr;
  TimePoint when_ = kNever;
  std::uint32_t references_ = 1;  // the loop's; each handle has one more
  State state_ = State::queued;
};

}  // namespace simul::detail
