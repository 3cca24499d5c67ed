// Cancelled: what an await throws when its scope is cancelled. Let it pass; clean up in destructors
// or after a catch block that rethrows. It does not derive from std::exception, so that an ordinary
// `catch (const std::exception&)` doesn't swallow it. Whoever swallows it all the same gets it again
// at the next await: cancellation is a level, not an edge.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include <simul/export.hpp>

namespace simul {

class SIMUL_EXPORT Cancelled {
 public:
  explicit Cancelled(std::string reason) noexcept : reason_(std::move(reason)) {}
  /// Why, in the words of whoever cancelled: "idle timeout", "deadline", "the group failed".
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

 private:
  std::string reason_;
};

/// Thrown to whoever awaits a task that was cancelled: the *task* was cancelled, the waiter wasn't.
/// (asyncio throws CancelledError there, which the waiter can't tell from its own cancellation.)
class SIMUL_EXPORT TaskCancelled : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  ~TaskCancelled() override;
};

/// Thrown by whoever asks for a result that isn't there yet, or sets one that is there already.
class SIMUL_EXPORT InvalidState : public std::logic_error {
 public:
  using std::logic_error::logic_error;
  ~InvalidState() override;
};

/// Thrown by fail_after when its own deadline passed.
class SIMUL_EXPORT TimedOut : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  ~TimedOut() override;
};

}  // namespace simul
