// SignalSet: signals of the process as something to wait for.
//
//   SignalSet signals({SIGTERM, SIGINT});
//   int which = co_await signals.next();
//
// The signals are blocked in the constructing thread and in every thread that it starts afterwards,
// so construct it first. They stay blocked, for a signal that nobody waits for any more must not
// kill the process in the middle of its shutdown.
#pragma once

#include <coroutine>
#include <initializer_list>

#include <simul/export.hpp>
#include <simul/leaf.hpp>

namespace simul {

namespace detail {
class FdWatch;
}

class SIMUL_EXPORT SignalSet {
 public:
  /// Throws std::system_error.
  SignalSet(std::initializer_list<int> signals);
  ~SignalSet();
  SignalSet(const SignalSet&) = delete;
  SignalSet& operator=(const SignalSet&) = delete;

  class Next;
  /// Waits for one of them and gives its number. One waiter at a time. Cancel safety: safe, no signal
  /// is lost. Thread: a loop's, always the same.
  Next next() noexcept;

 private:
  int fd_;
  detail::FdWatch* watch_ = nullptr;
};

class [[nodiscard]] SIMUL_EXPORT SignalSet::Next final : public Leaf {
 public:
  explicit Next(SignalSet& signals) noexcept : signals_(signals) {}
  bool await_ready();
  void await_suspend(std::coroutine_handle<>);
  int await_resume() const;
  [[nodiscard]] const char* waits_for() const noexcept override { return "signal"; }

 private:
  bool attempt() noexcept;
  bool on_wake() noexcept override;
  bool on_cancel() noexcept override;

  SignalSet& signals_;
  int signal_ = 0;
};

inline SignalSet::Next SignalSet::next() noexcept { return Next(*this); }

}  // namespace simul
