// to_thread: a function that blocks, or computes for long, runs in the thread pool while the loop goes on.
//
//   Digest digest = co_await to_thread(hash_of, path);
//   Table table = co_await to_thread([&](std::stop_token stop) { return solve(rows, stop); });
//   Name name = co_await to_thread(look_up, std::string(host)).abandon_on_cancel();
//
// A cancellation requests stop and then waits for the function, which may use what the caller owns;
// abandon_on_cancel() promises that it doesn't. Not for coroutines: run_on() gives those to another loop.
#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <stop_token>
#include <tuple>
#include <type_traits>
#include <utility>

#include <simul/cancel_scope.hpp>
#include <simul/detail/outcome.hpp>
#include <simul/export.hpp>
#include <simul/leaf.hpp>

namespace simul {

namespace detail {
class ThreadFlight;
class ThreadLeaf;
class ThreadSlots;
}  // namespace detail

/// How many jobs may be in the pool at once, those of one kind for instance; the others wait for their
/// turn, first come, first served. Without one to_thread() uses the loop's own, whose limit is the size
/// of the pool. It belongs to the tasks of one loop, and must outlive those that wait for it.
class SIMUL_EXPORT ThreadLimiter {
 public:
  /// Throws std::logic_error if `limit` is 0.
  explicit ThreadLimiter(std::size_t limit);
  ~ThreadLimiter();
  ThreadLimiter(const ThreadLimiter&) = delete;
  ThreadLimiter& operator=(const ThreadLimiter&) = delete;

  [[nodiscard]] std::size_t limit() const noexcept;
  /// Jobs in the pool, abandoned ones too: they keep their thread.
  [[nodiscard]] std::size_t running() const noexcept;
  [[nodiscard]] std::size_t waiting() const noexcept;

 private:
  friend class detail::ThreadLeaf;
  std::shared_ptr<detail::ThreadSlots> slots_;
};

namespace detail {

/// A call and, once it was made, what came of it.
class SIMUL_EXPORT ThreadJob {
 public:
  ThreadJob(const ThreadJob&) = delete;
  ThreadJob& operator=(const ThreadJob&) = delete;
  virtual ~ThreadJob();
  /// Thread: the pool's. All else happens on the loop's thread.
  virtual void run() noexcept = 0;
  virtual void request_stop() noexcept {}

 protected:
  ThreadJob() noexcept = default;
};

/// Waits for its turn, then for the end of the job.
class SIMUL_EXPORT ThreadLeaf : public Leaf {
 public:
  bool await_ready() const {
    check_cancelled();
    return false;
  }
  void await_suspend(std::coroutine_handle<>);
  [[nodiscard]] const char* waits_for() const noexcept final {
    return flight_ != nullptr ? "thread" : "thread's turn";
  }

 protected:
  explicit ThreadLeaf(std::unique_ptr<ThreadJob> job) noexcept;
  ~ThreadLeaf();

  void limit_by(ThreadLimiter& limiter) noexcept { slots_ = limiter.slots_; }
  void may_abandon() noexcept { may_abandon_ = true; }
  [[nodiscard]] ThreadJob& job() const noexcept { return *job_; }

 private:
  friend class ThreadFlight;
  friend class ThreadSlots;
  bool on_cancel() noexcept final;

  std::unique_ptr<ThreadJob> job_;  // here before it starts and after it has ended
  std::shared_ptr<ThreadSlots> slots_;
  ThreadFlight* flight_ = nullptr;  // while the pool has it
  ThreadLeaf* previous_ = nullptr;  // among those that wait for a turn
  ThreadLeaf* next_ = nullptr;
  bool may_abandon_ = false;
};

template <typename Fn, typename... Args>
class ThreadCall final : public ThreadJob {
  static constexpr bool kStoppable = std::invocable<Fn, std::stop_token, Args...>;
  template <bool kWithToken>
  struct ResultOf : std::invoke_result<Fn, Args...> {};
  template <>
  struct ResultOf<true> : std::invoke_result<Fn, std::stop_token, Args...> {};

 public:
  using Result = typename ResultOf<kStoppable>::type;
  static_assert(
      !requires { typename std::remove_cvref_t<Result>::promise_type; },
      "to_thread() is for functions; run_on() runs a coroutine on another loop");

  template <typename F, typename... As>
  explicit ThreadCall(std::in_place_t, F&& fn, As&&... args)
      : fn_(std::forward<F>(fn)), args_(std::forward<As>(args)...) {}

  void run() noexcept override {
    try {
      if constexpr (std::is_void_v<Result>) {
        call();
      } else {
        outcome.set_value(call());
      }
    } catch (...) {
      outcome.set_exception(std::current_exception());
    }
  }
  void request_stop() noexcept override {
    if constexpr (kStoppable) {
      stop_.request_stop();
    }
  }

  Outcome<Result> outcome;

 private:
  struct NoStop {};

  Result call() {
    return std::apply(
        [this](Args&&... args) -> Result {
          if constexpr (kStoppable) {
            return std::invoke(std::move(fn_), stop_.get_token(), std::move(args)...);
          } else {
            return std::invoke(std::move(fn_), std::move(args)...);
          }
        },
        std::move(args_));
  }

  Fn fn_;
  std::tuple<Args...> args_;
  [[no_unique_address]] std::conditional_t<kStoppable, std::stop_source, NoStop> stop_;
};

}  // namespace detail

template <typename Fn, typename... Args>
class [[nodiscard]] ToThread final : public detail::ThreadLeaf {
  using Call = detail::ThreadCall<Fn, Args...>;

 public:
  explicit ToThread(std::unique_ptr<Call> call) noexcept : ThreadLeaf(std::move(call)) {}

  /// A cancelled wait throws at once, though the function runs on: it owns all that it uses.
  ToThread&& abandon_on_cancel() && noexcept {
    may_abandon();
    return std::move(*this);
  }
  /// Waits for its turn at `limiter` instead of the loop's own.
  ToThread&& limited_by(ThreadLimiter& limiter) && noexcept {
    limit_by(limiter);
    return std::move(*this);
  }

  typename Call::Result await_resume() {
    throw_if_cancelled();
    auto& outcome = static_cast<Call&>(job()).outcome;
    if constexpr (std::is_void_v<typename Call::Result>) {
      outcome.get();
    } else {
      return static_cast<typename Call::Result&&>(outcome.get());
    }
  }
};

/// Calls `fn(args...)` in the thread pool, or `fn(stop_token, args...)` if it can be called like that,
/// and gives or throws what it did. Function, arguments and result are kept and destroyed on the loop's
/// thread; the function sees the context variables of the awaiting task. The size of the pool is libuv's:
/// UV_THREADPOOL_SIZE, or 4, shared by all loops of the process. Thread: a loop's.
///
/// Cancel safety: a job that hasn't begun is destroyed uncalled. One that runs is asked to stop; then
/// the wait goes on until it has ended, and its result wins over the cancellation. With
/// abandon_on_cancel() the wait throws at once and the result is dropped. The end of the loop waits for
/// abandoned jobs.
template <typename Fn, typename... Args>
  requires std::invocable<std::decay_t<Fn>, std::stop_token, std::decay_t<Args>...> ||
           std::invocable<std::decay_t<Fn>, std::decay_t<Args>...>
ToThread<std::decay_t<Fn>, std::decay_t<Args>...> to_thread(Fn&& fn, Args&&... args) {
  return ToThread<std::decay_t<Fn>, std::decay_t<Args>...>(
      std::make_unique<detail::ThreadCall<std::decay_t<Fn>, std::decay_t<Args>...>>(
          std::in_place, std::forward<Fn>(fn), std::forward<Args>(args)...));
}

}  // namespace simul
