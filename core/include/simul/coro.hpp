// Coro<T>: a coroutine object, the lazy thing that calling a coroutine function returns.
//
//   Coro<int> triple(int value) { co_return value * 3; }
//   int fifteen = co_await triple(5);      // runs inline; does not cede control
//   Task<int> task = spawn(triple(5));     // or: a loop runs it
//
// Nothing of the body runs until it is awaited or spawned, which can happen once. A Coro is not a
// Task: it has no name, can't be cancelled by itself, and dies with the object if never started.
#pragma once

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#error \
    "simul: this compiler miscompiles coroutines (g++ before 13). Use clang-19: apt-get install clang-19"
#endif

#include <concepts>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <source_location>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <simul/detail/frame_pool.hpp>
#include <simul/detail/outcome.hpp>
#include <simul/export.hpp>

namespace simul {

template <typename T = void>
class Coro;
class Leaf;

namespace detail {

class TaskBase;
class PromiseBase;
struct DebugLayout;

/// The part of a task that its coroutines know: which of them is resumed next. A coroutine that is awaited
/// begins on the stack of its caller and comes back to it if it can end at once. When some stand there
/// already it is left to the task, which resumes one coroutine after the other: the stack stays constant.
class Trampoline {
 public:
  /// True: `callee` has ended, and its caller goes on.
  bool run_nested(PromiseBase& callee) noexcept;
  /// Its caller is next, or the task ends.
  void return_from(PromiseBase& ended) noexcept;
  /// `promise` stands at an await: what wakes it resumes that.
  void resume_at(PromiseBase& promise) noexcept { resume_ = &promise; }
  /// From now on every coroutine begins in the hands of the task.
  void nest_nothing() noexcept { nested_ = kMostNested; }

 protected:
  Trampoline() noexcept = default;
  ~Trampoline() = default;

  PromiseBase* resume_ = nullptr;  // at first and at the end the outermost one
  bool at_end_ = false;

 private:
  static constexpr std::uint8_t kMostNested = 16;
  std::uint8_t nested_ = 0;
};

/// `co_await this_task` gives the task that runs this coroutine; it never suspends and is no
/// cancellation point.
struct ThisTask {};
inline constexpr ThisTask this_task;

template <typename A>
concept MakesAwaiter = requires(A&& awaitable, PromiseBase& promise) {
  std::forward<A>(awaitable).awaiter_for(promise);
};

template <typename T>
class CoroAwaiter;

/// What all coroutines have in common. The chain of `caller`s, each with the site of its current
/// await, is the async backtrace of a task.
class PromiseBase {
 public:
  static void* operator new(std::size_t size) { return frame_allocate(size); }
  static void operator delete(void* block, std::size_t size) noexcept { frame_free(block, size); }

  std::suspend_always initial_suspend() const noexcept { return {}; }

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> finished) const noexcept {
      PromiseBase& promise = finished.promise();
      promise.trampoline->return_from(promise);
    }
    void await_resume() const noexcept {}
  };
  FinalAwaiter final_suspend() const noexcept { return {}; }

  /// Every await passes here: it records its site and binds what is awaited to the running task.
  /// `here` has to be a default argument: that is what makes it the place of the co_await.
  template <typename A>
  decltype(auto) await_transform(A&& awaitable,
                                 std::source_location here = std::source_location::current()) {
    using Plain = std::remove_cvref_t<A>;
    if constexpr (std::same_as<Plain, ThisTask>) {
      struct Ready {
        TaskBase& task;
        bool await_ready() const noexcept { return true; }
        void await_suspend(std::coroutine_handle<>) const noexcept {}
        TaskBase& await_resume() const noexcept { return task; }
      };
      return Ready{task()};
    } else {
      site = here;
      if constexpr (std::derived_from<Plain, Leaf>) {
        awaitable.bind(*this);
        return static_cast<A&&>(awaitable);
      } else {
        static_assert(
            MakesAwaiter<A>,
            "only a Coro, a Task or a simul::Leaf can be awaited inside a simul coroutine");
        return static_cast<A&&>(awaitable).awaiter_for(*this);
      }
    }
  }

  /// A template, because TaskBase isn't complete here.
  template <typename Task = TaskBase>
  [[nodiscard]] Task& task() const noexcept {
    return static_cast<Task&>(*trampoline);
  }

  Trampoline* trampoline = nullptr;  // its task's, set when it is started
  PromiseBase* caller = nullptr;     // null: the root of its task
  std::source_location site;         // of the await it is suspended at, at first of its function
};

/// The current exception, which is leaving the coroutine of `promise`: for thrown_at().
SIMUL_EXPORT std::exception_ptr exception_leaves(const PromiseBase& promise) noexcept;

template <typename T>
class Promise final : public PromiseBase {
 public:
  Coro<T> get_return_object(std::source_location here = std::source_location::current()) noexcept;
  void unhandled_exception() noexcept { outcome->set_exception(exception_leaves(*this)); }
  template <typename U = T>
    requires std::convertible_to<U&&, T>
  void return_value(U&& value) {
    outcome->set_value(std::forward<U>(value));
  }

  Outcome<T>* outcome = nullptr;
};

template <>
class Promise<void> final : public PromiseBase {
 public:
  Coro<void> get_return_object(
      std::source_location here = std::source_location::current()) noexcept;
  void unhandled_exception() noexcept { outcome->set_exception(exception_leaves(*this)); }
  void return_void() const noexcept {}

  Outcome<void>* outcome = nullptr;
};

/// Destroys the frame of a coroutine that was neither awaited nor spawned, which is a mistake and is
/// reported, unless an exception on its way is why.
SIMUL_EXPORT void drop_unstarted(PromiseBase& promise) noexcept;
/// Destroys the frame of a coroutine that has ended with an exception: that is why coroutines which it was
/// given, and now takes with it, were never awaited.
SIMUL_EXPORT void destroy_failed(std::coroutine_handle<> frame) noexcept;
/// Null: it was started.
SIMUL_EXPORT std::string coroutine_text(const PromiseBase* promise);

/// The handle of the coroutine that owns `promise`. Every promise begins with its PromiseBase and is
/// aligned like it, so the base's address leads to the frame, whatever the result type is.
inline std::coroutine_handle<> handle_of(PromiseBase& promise) noexcept {
  static_assert(alignof(Promise<void>) == alignof(PromiseBase));
  return std::coroutine_handle<PromiseBase>::from_promise(promise);
}

inline bool Trampoline::run_nested(PromiseBase& callee) noexcept {
  resume_ = &callee;
  if (nested_ == kMostNested) {
    return false;
  }
  ++nested_;
  handle_of(callee).resume();
  --nested_;
  return resume_ == callee.caller;
}

inline void Trampoline::return_from(PromiseBase& ended) noexcept {
  at_end_ = ended.caller == nullptr;
  resume_ = at_end_ ? &ended : ended.caller;
}

}  // namespace detail

template <typename T>
class [[nodiscard("a coroutine that is neither awaited nor spawned never runs")]] Coro {
 public:
  using promise_type = detail::Promise<T>;
  using value_type = T;

  Coro(Coro&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Coro& operator=(Coro&& other) noexcept {
    Coro(std::move(other)).swap(*this);
    return *this;
  }
  ~Coro() {
    if (frame_) [[unlikely]] {
      detail::drop_unstarted(frame_.promise());
    }
  }
  void swap(Coro& other) noexcept { std::swap(frame_, other.frame_); }

  /// False once it was awaited, spawned or moved from.
  [[nodiscard]] bool startable() const noexcept { return frame_ != nullptr; }

  /// For people: "<coroutine object special_fella at 0x5581c0a0>", or "<coroutine object, started>".
  friend std::string to_string(const Coro& coro) {
    return detail::coroutine_text(coro.frame_ ? &coro.frame_.promise() : nullptr);
  }

  /// Throws std::logic_error if it was started before.
  void require_startable() const {
    if (!frame_) {
      throw std::logic_error("a Coro can be awaited or spawned only once");
    }
  }
  /// Gives up the frame. Throws std::logic_error if it was started before.
  std::coroutine_handle<promise_type> release() {
    require_startable();
    return std::exchange(frame_, nullptr);
  }

  /// For `co_await`, which consumes the Coro.
  detail::CoroAwaiter<T> awaiter_for(detail::PromiseBase& caller) {
    return detail::CoroAwaiter<T>(release(), caller);
  }

 private:
  friend promise_type;
  explicit Coro(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}

  std::coroutine_handle<promise_type> frame_;
};

namespace detail {

template <typename T>
class [[nodiscard]] CoroAwaiter {
 public:
  CoroAwaiter(std::coroutine_handle<Promise<T>> callee, PromiseBase& caller) noexcept
      : callee_(callee) {
    Promise<T>& promise = callee.promise();
    promise.trampoline = caller.trampoline;
    promise.caller = &caller;
    promise.outcome = &outcome_;
  }
  CoroAwaiter(const CoroAwaiter&) = delete;
  CoroAwaiter& operator=(const CoroAwaiter&) = delete;
  ~CoroAwaiter() {
    if (callee_) {
      callee_.destroy();
    }
  }

  bool await_ready() const noexcept {
    PromiseBase& promise = callee_.promise();
    return promise.trampoline->run_nested(promise);
  }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  T await_resume() {
    const std::coroutine_handle<> ended = std::exchange(callee_, nullptr);
    if (outcome_.exception()) [[unlikely]] {
      destroy_failed(ended);
    } else {
      ended.destroy();
    }
    if constexpr (std::is_void_v<T>) {
      outcome_.get();
    } else {
      return static_cast<T&&>(outcome_.get());
    }
  }

 private:
  std::coroutine_handle<Promise<T>> callee_;
  Outcome<T> outcome_;
};

template <typename T>
Coro<T> Promise<T>::get_return_object(std::source_location here) noexcept {
  site = here;
  return Coro<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}

inline Coro<void> Promise<void>::get_return_object(std::source_location here) noexcept {
  site = here;
  return Coro<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

}  // namespace detail
}  // namespace simul
