// Future and Promise: a result that somebody else sets. The low-level link between callbacks and
// coroutines; between coroutines a Task or a channel says more.
//
//   Promise<int> promise;
//   loop.call_later(1s, [&] { promise.set_value(42); });
//   int value = co_await promise.future();
//
// A future is pending, done (with a value, or failed with an exception) or cancelled, and changes its state
// once. It belongs to one loop: what comes from another thread comes by Loop::post() or oneshot().
#pragma once

#include <concepts>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <simul/callback.hpp>
#include <simul/cancelled.hpp>
#include <simul/coro.hpp>
#include <simul/detail/completion.hpp>
#include <simul/detail/outcome.hpp>
#include <simul/detail/task_base.hpp>
#include <simul/export.hpp>
#include <simul/leaf.hpp>
#include <simul/task.hpp>

namespace simul {

/// What a future holds whose promise was dropped before it was set.
class SIMUL_EXPORT BrokenPromise : public std::logic_error {
 public:
  BrokenPromise() : std::logic_error("the promise was dropped without a result") {}
  ~BrokenPromise() override;
};

namespace detail {

/// What a promise and its futures share, without the type of the result.
class SIMUL_EXPORT FutureBase {
 public:
  FutureBase(const FutureBase&) = delete;
  FutureBase& operator=(const FutureBase&) = delete;

  [[nodiscard]] TaskState state() const noexcept { return state_; }
  [[nodiscard]] CompletionWaiters& waiters() noexcept { return waiters_; }
  void mark_observed() noexcept { observed_ = true; }

  /// Throws InvalidState unless it is pending.
  void require_pending() const;
  /// Throws InvalidState while it is pending, TaskCancelled if it was cancelled.
  void require_result() const;
  /// Tells the waiters.
  void complete(TaskState state) noexcept;
  bool cancel(std::string_view reason);

  void add_reference() noexcept { ++references_; }
  void drop_reference() noexcept;

 protected:
  FutureBase() noexcept = default;
  virtual ~FutureBase();

 private:
  [[nodiscard]] virtual const std::exception_ptr& exception() const noexcept = 0;

  CompletionWaiters waiters_;
  std::string reason_;  // of the cancellation
  std::uint32_t references_ = 1;
  TaskState state_ = TaskState::pending;
  bool observed_ = false;
};

template <typename T>
class FutureStateOf final : public FutureBase {
 public:
  Outcome<T> outcome;

 private:
  [[nodiscard]] const std::exception_ptr& exception() const noexcept override {
    return outcome.exception();
  }
};

/// Waits for a future. Cancel safety: the future isn't cancelled with its waiter.
class SIMUL_EXPORT FutureLeaf : public Leaf, private CompletionWaiter {
 public:
  bool await_ready() const {
    check_cancelled();
    return future_.state() != TaskState::pending;
  }
  void await_suspend(std::coroutine_handle<>) noexcept {
    suspend();
    future_.waiters().add(*this);
  }
  [[nodiscard]] const char* waits_for() const noexcept final { return "future"; }

 protected:
  FutureLeaf(FutureBase& future, PromiseBase& promise) noexcept : future_(future) {
    future.add_reference();  // the handle may be dropped meanwhile
    bind_to(promise);
  }
  ~FutureLeaf() { future_.drop_reference(); }
  void check_result() {
    throw_if_cancelled();
    future_.mark_observed();
    future_.require_result();
  }

  FutureBase& future_;

 private:
  void on_completion() noexcept final { wake(); }
  bool on_cancel() noexcept final {
    future_.waiters().remove(*this);
    return true;
  }
};

template <typename T, bool kMove>
class [[nodiscard]] FutureAwaiter final : public FutureLeaf {
 public:
  FutureAwaiter(FutureStateOf<T>& future, PromiseBase& promise) noexcept
      : FutureLeaf(future, promise) {}
  std::conditional_t<std::is_void_v<T> || kMove, T, std::add_lvalue_reference_t<T>> await_resume() {
    check_result();
    Outcome<T>& outcome = static_cast<FutureStateOf<T>&>(future_).outcome;
    if constexpr (std::is_void_v<T>) {
      outcome.get();
    } else if constexpr (kMove) {
      return static_cast<T&&>(outcome.get());
    } else {
      return outcome.get();
    }
  }
};

}  // namespace detail

template <typename T>
class Promise;

/// The side that waits. Copyable: all copies are one future. Thread: one loop's.
template <typename T = void>
class Future {
 public:
  using value_type = T;

  Future(const Future& other) noexcept : state_(other.state_) { state_->add_reference(); }
  Future& operator=(const Future& other) noexcept {
    Future copy(other);
    std::swap(state_, copy.state_);
    return *this;
  }
  ~Future() { state_->drop_reference(); }

  /// `co_await future` gives a reference to the value, which lives as long as a handle does;
  /// `co_await std::move(future)` moves it out. Throws the exception that was set, BrokenPromise, or
  /// TaskCancelled if the future was cancelled. Cedes control unless it is done; several may wait, and go
  /// on in the order in which they came. Cancel safety: a cancelled wait leaves the future as it is.
  auto awaiter_for(detail::PromiseBase& promise) const& {
    return detail::FutureAwaiter<T, false>(*state_, promise);
  }
  auto awaiter_for(detail::PromiseBase& promise) && {
    return detail::FutureAwaiter<T, true>(*state_, promise);
  }

  /// Waiters get TaskCancelled, setting it is an error from now on. False: it was done already.
  bool cancel(std::string_view reason = "cancelled") { return state_->cancel(reason); }

  /// `failed`: it is done, with an exception.
  [[nodiscard]] TaskState state() const noexcept { return state_->state(); }
  /// Done or cancelled?
  [[nodiscard]] bool done() const noexcept { return state() != TaskState::pending; }

  /// As `co_await future`, but throws InvalidState ("Result is not set") while it is pending.
  std::add_lvalue_reference_t<T> result() const {
    state_->mark_observed();
    state_->require_result();
    return state_->outcome.get();
  }
  /// The exception that was set, or null. Throws InvalidState while it is pending, TaskCancelled if it
  /// was cancelled.
  [[nodiscard]] std::exception_ptr exception() const {
    state_->mark_observed();
    state_->require_result();
    return state_->outcome.exception();
  }

  /// Calls `callback(future)` in the turn after it is done or cancelled, in the order of adding.
  template <std::invocable<const Future&> Fn>
  CallHandle add_done_callback(Fn callback) const {
    return detail::call_on_completion(detail::loop_to_spawn_on(), state_->waiters(), done(),
                                      [callback = std::move(callback), self = *this]() mutable {
                                        callback(std::as_const(self));
                                      });
  }

  bool operator==(const Future&) const noexcept = default;

 private:
  friend class Promise<T>;
  explicit Future(detail::FutureStateOf<T>& state) noexcept : state_(&state) {
    state.add_reference();
  }

  detail::FutureStateOf<T>* state_;
};

/// The side that sets. Dropped unset, it leaves BrokenPromise. One that was moved from throws InvalidState.
/// Thread: the loop's of its futures.
template <typename T = void>
class Promise {
 public:
  Promise() : state_(new detail::FutureStateOf<T>()) {}
  Promise(Promise&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  Promise& operator=(Promise&& other) noexcept {
    Promise moved(std::move(other));
    std::swap(state_, moved.state_);
    return *this;
  }
  ~Promise() {
    if (state_ == nullptr) {
      return;
    }
    if (pending()) {
      state_->mark_observed();  // whoever waits is told; if nobody does, nobody misses it
      state_->outcome.set_exception(std::make_exception_ptr(BrokenPromise()));
      state_->complete(TaskState::failed);
    }
    state_->drop_reference();
  }

  [[nodiscard]] Future<T> future() const { return Future<T>(required()); }
  /// False once it was set, or cancelled by one who waits.
  [[nodiscard]] bool pending() const { return required().state() == TaskState::pending; }

  /// Throws InvalidState unless it is pending.
  template <typename U = T>
    requires std::constructible_from<T, U&&>
  void set_value(U&& value) {
    required().require_pending();
    state_->outcome.set_value(std::forward<U>(value));
    state_->complete(TaskState::done);
  }
  void set_value()
    requires std::is_void_v<T>
  {
    required().require_pending();
    state_->complete(TaskState::done);
  }
  /// Throws InvalidState unless it is pending.
  void set_exception(std::exception_ptr error) {
    required().require_pending();
    state_->outcome.set_exception(std::move(error));
    state_->complete(TaskState::failed);
  }

 private:
  detail::FutureStateOf<T>& required() const {
    if (state_ == nullptr) {
      throw InvalidState("a promise that was moved from");
    }
    return *state_;
  }

  detail::FutureStateOf<T>* state_;
};

}  // namespace simul
