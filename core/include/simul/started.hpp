// Started<T>: what a child that TaskGroup::start() spawned calls when it is ready.
//
//   Coro<> serve(Started<Endpoint> started) {
//     SocketListener listener = listen(any_port);
//     started(listener.local_endpoint());           // start() returns; the child goes on
//     co_await accept_all(listener);
//   }
//   Endpoint where = co_await group.start<Endpoint>(serve);
//
// It is no channel: it carries one value, once.
#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include <simul/cancelled.hpp>
#include <simul/coro.hpp>
#include <simul/detail/completion.hpp>
#include <simul/detail/task_base.hpp>
#include <simul/export.hpp>
#include <simul/leaf.hpp>

namespace simul {
namespace detail {

class StartLeaf;

/// What start() and its child share.
class SIMUL_EXPORT StartState {
 public:
  /// Throws std::logic_error when it was said before.
  void require_first() const;
  void said() noexcept;
  /// False: start() has returned, so the failure belongs to the group.
  bool keep_failure(std::exception_ptr failure) noexcept;

 private:
  friend class StartLeaf;
  StartLeaf* waiter_ = nullptr;
  std::exception_ptr failure_;
  bool said_ = false;
  bool given_up_ = false;  // start() was cancelled before
};

template <typename T>
class StartStateOf : public StartState {
 public:
  std::optional<T> value;
};
template <>
class StartStateOf<void> : public StartState {};

/// Waits for the child's word, or for its end.
class [[nodiscard]] SIMUL_EXPORT StartLeaf final : public Leaf, private CompletionWaiter {
 public:
  StartLeaf(StartState& state, TaskBase& child) noexcept : state_(state), child_(child) {}

  bool await_ready() const noexcept { return false; }  // the child hasn't had its first step
  void await_suspend(std::coroutine_handle<>) noexcept;
  void await_resume();
  [[nodiscard]] const char* waits_for() const noexcept override { return "start"; }

 private:
  friend class StartState;
  void on_completion() noexcept override {
    ended_ = true;
    wake();
  }
  /// The child is cancelled with it; its end wakes us.
  bool on_cancel() noexcept override;

  StartState& state_;
  TaskBase& child_;
  bool ended_ = false;
};

}  // namespace detail

template <typename T = void>
class Started {
 public:
  explicit Started(std::shared_ptr<detail::StartStateOf<T>> state) noexcept
      : state_(std::move(state)) {}

  /// "I am ready": start() gives `value`. Throws std::logic_error the second time. Never waits.
  /// Thread: the loop's.
  template <typename U = T>
    requires std::convertible_to<U&&, T>
  void operator()(U&& value) const {
    state_->require_first();
    state_->value.emplace(std::forward<U>(value));
    state_->said();
  }

 private:
  std::shared_ptr<detail::StartStateOf<T>> state_;
};

template <>
class Started<void> {
 public:
  explicit Started(std::shared_ptr<detail::StartStateOf<void>> state) noexcept
      : state_(std::move(state)) {}

  void operator()() const {
    state_->require_first();
    state_->said();
  }

 private:
  std::shared_ptr<detail::StartStateOf<void>> state_;
};

namespace detail {

template <typename T, typename Fn, typename... Args>
Coro<> run_starting(std::shared_ptr<StartStateOf<T>> state, Fn fn, Args... args) {
  try {
    (void)co_await fn(Started<T>(state), std::move(args)...);
  } catch (const Cancelled&) {
    throw;
  } catch (...) {
    if (!state->keep_failure(std::current_exception())) {
      throw;
    }
  }
}

}  // namespace detail
}  // namespace simul
