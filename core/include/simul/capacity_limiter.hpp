// CapacityLimiter: how many tasks may do something at once; the number can be changed while they do it.
//
//   CapacityLimiter limiter(40);
//   {
//     CapacityLimiter::Token token = co_await limiter.acquire();
//     co_await query(database);
//   }
//   limiter.set_total(80);               // from a reload, say
//
// It is for the tasks of one loop. Unlike a semaphore it knows its borrowers: each task may have one token,
// so that a task can't starve itself, and statistics() says who has them. To know them it looks at each
// at every acquire(): it is meant for tens or hundreds of tokens.
#pragma once

#include <coroutine>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <simul/detail/turn_leaf.hpp>
#include <simul/detail/wait_list.hpp>
#include <simul/export.hpp>

namespace simul {

class SIMUL_EXPORT CapacityLimiter {
 public:
  class Token;
  class Borrow;

  explicit CapacityLimiter(std::size_t total) noexcept : total_(total) {}
  CapacityLimiter(const CapacityLimiter&) = delete;
  CapacityLimiter& operator=(const CapacityLimiter&) = delete;
  /// Nobody may hold a token or wait for one.
  ~CapacityLimiter();

  /// Waits for a token, and gives it. One that comes back goes to the first in line at once: nobody can
  /// get in between. Cedes only if it has to wait, or if its step is used up. Throws std::logic_error if
  /// the task has a token already. Thread: the loop's.
  /// Cancel safety: safe. A task that was cancelled while it waited gets no token; one that was handed
  /// its token before has it, and its next await throws.
  Borrow acquire() noexcept;
  /// A token if there is one, and else an empty Token. Throws std::logic_error if the task has a token
  /// already, or if no task runs. Thread: the loop's.
  [[nodiscard]] Token try_acquire();

  /// More tokens go to those who wait, at once. With fewer nobody loses his, but the next ones have to
  /// wait until enough came back. Thread: the loop's.
  void set_total(std::size_t total) noexcept;

  [[nodiscard]] std::size_t total() const noexcept { return total_; }
  [[nodiscard]] std::size_t borrowed() const noexcept { return borrowed_; }
  /// How many can be had without waiting; 0 too if more are borrowed than there should be.
  [[nodiscard]] std::size_t available() const noexcept {
    return borrowed_ < total_ ? total_ - borrowed_ : 0;
  }

  struct Statistics {
    std::size_t total;
    std::size_t borrowed;
    std::size_t waiting;
    std::vector<std::string> borrowers;  // names of tasks, the latest first; may be empty
  };
  [[nodiscard]] Statistics statistics() const;

 private:
  void require_none(const detail::TaskBase& task) const;
  void serve() noexcept;

  detail::WaitList waiters_;
  Token* borrowers_ = nullptr;
  std::size_t total_;
  std::size_t borrowed_ = 0;
};

/// A token, which goes back at the end of its life. It counts as borrowed by the task that took it,
/// wherever it is moved to.
class [[nodiscard]] SIMUL_EXPORT CapacityLimiter::Token {
 public:
  /// Empty.
  Token() noexcept = default;
  Token(Token&& other) noexcept { take_over(other); }
  Token& operator=(Token&& other) noexcept;
  ~Token() {
    if (limiter_ != nullptr) {
      give_back();
    }
  }

  /// Gives it back now. Throws std::logic_error if it is empty.
  void release();
  /// Is it one?
  [[nodiscard]] explicit operator bool() const noexcept { return limiter_ != nullptr; }

 private:
  friend class CapacityLimiter;
  void borrow(CapacityLimiter& limiter, detail::TaskBase& borrower) noexcept;
  void give_back() noexcept;
  void take_over(Token& other) noexcept;

  CapacityLimiter* limiter_ = nullptr;
  detail::TaskBase* borrower_ = nullptr;  // with a reference: no later task can be taken for it
  Token* next_ = nullptr;                 // in the limiter's list of those that are out
  Token** link_ = nullptr;
};

class [[nodiscard]] SIMUL_EXPORT CapacityLimiter::Borrow final : public detail::TurnLeaf {
 public:
  explicit Borrow(CapacityLimiter& limiter) noexcept
      : TurnLeaf(limiter.waiters_), limiter_(limiter) {}
  bool await_ready();
  Token await_resume() {
    throw_if_cancelled();
    return std::move(token_);
  }
  [[nodiscard]] const char* waits_for() const noexcept override { return "capacity limiter"; }

 private:
  friend class CapacityLimiter;
  bool take() noexcept override;

  CapacityLimiter& limiter_;
  Token token_;
};

inline CapacityLimiter::Borrow CapacityLimiter::acquire() noexcept { return Borrow(*this); }

}  // namespace simul
