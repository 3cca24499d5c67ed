// RawCoroutine<Yield, Send, Return>: a coroutine that is driven by hand, without a loop: to see how
// suspending works, or to write an event loop of a dozen lines.
//
//   struct Rock {
//     RawCoroutine<int, int, int> await_() { int sent = co_yield 7; co_return sent; }
//   };
//   RawCoroutine<int, int, int> body() { Rock rock; co_return co_await rock; }
//
//   auto coroutine = body();
//   int seven = coroutine.send().yielded();        // runs it up to the co_yield, wherever that stands
//   int result = coroutine.send(42).returned();    // 42, which the co_yield gave, came all the way out
//
// It is Python's coroutine: co_yield hands a value to whoever drives the outermost coroutine, through
// every co_await on the way, and gives what is sent back. It has nothing to do with tasks; see Coro.
#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

#include <simul/detail/outcome.hpp>

namespace simul {

/// What a send() came to: the coroutine has yielded, or it has returned.
template <typename Yield, typename Return>
class RawStep {
  using Result = std::conditional_t<std::is_void_v<Return>, std::monostate, Return>;

 public:
  template <std::size_t kWhich, typename... Args>
  explicit RawStep(std::in_place_index_t<kWhich> which, Args&&... args)
      : outcome_(which, std::forward<Args>(args)...) {}

  [[nodiscard]] bool has_returned() const noexcept { return outcome_.index() == 1; }
  /// These throw std::bad_variant_access if it did the other.
  [[nodiscard]] Yield& yielded() { return std::get<0>(outcome_); }
  [[nodiscard]] Result& returned() { return std::get<1>(outcome_); }

 private:
  std::variant<Yield, Result> outcome_;
};

template <typename Yield, typename Send = std::monostate, typename Return = void>
class RawCoroutine;

namespace detail {

/// What goes in and out of a coroutine and those that it awaits. It belongs to the outermost one.
template <typename Yield, typename Send>
struct RawExchange {
  std::coroutine_handle<> innermost;
  std::optional<Yield> yielded;
  std::optional<Send> sent;
  std::exception_ptr thrown;
  bool running = false;
};

template <typename Yield, typename Send>
class RawPromiseBase {
 public:
  std::suspend_always initial_suspend() const noexcept { return {}; }

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
      ended.promise().exchange->innermost = ended.promise().caller;
    }
    void await_resume() const noexcept {}
  };
  FinalAwaiter final_suspend() const noexcept { return {}; }

  struct Pause {
    RawExchange<Yield, Send>& exchange;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    Send await_resume() const {
      if (exchange.thrown) {
        std::rethrow_exception(std::exchange(exchange.thrown, nullptr));
      }
      return *std::exchange(exchange.sent, std::nullopt);
    }
  };
  Pause yield_value(Yield value) {
    exchange->yielded.emplace(std::move(value));
    return Pause{*exchange};
  }

  template <typename Inner>
  auto await_transform(RawCoroutine<Yield, Send, Inner> callee) {
    return typename RawCoroutine<Yield, Send, Inner>::Awaiter(std::move(callee), *exchange);
  }
  template <typename A>
    requires requires(A&& awaitable) { std::forward<A>(awaitable).await_(); }
  auto await_transform(A&& awaitable) {
    return await_transform(std::forward<A>(awaitable).await_());
  }

  RawExchange<Yield, Send> own;
  RawExchange<Yield, Send>* exchange = &own;
  std::coroutine_handle<> caller;  // null: the outermost
};

template <typename Yield, typename Send, typename Return>
class RawPromise final : public RawPromiseBase<Yield, Send> {
 public:
  RawCoroutine<Yield, Send, Return> get_return_object() noexcept;
  void unhandled_exception() noexcept { outcome.set_exception(std::current_exception()); }
  void return_value(Return value) { outcome.set_value(std::move(value)); }
  Outcome<Return> outcome;
};

template <typename Yield, typename Send>
class RawPromise<Yield, Send, void> final : public RawPromiseBase<Yield, Send> {
 public:
  RawCoroutine<Yield, Send, void> get_return_object() noexcept;
  void unhandled_exception() noexcept { outcome.set_exception(std::current_exception()); }
  void return_void() const noexcept {}
  Outcome<void> outcome;
};

}  // namespace detail

template <typename Yield, typename Send, typename Return>
class [[nodiscard]] RawCoroutine {
 public:
  using promise_type = detail::RawPromise<Yield, Send, Return>;
  using Step = RawStep<Yield, Return>;

  RawCoroutine(RawCoroutine&& other) noexcept
      : frame_(std::exchange(other.frame_, nullptr)), started_(other.started_) {}
  RawCoroutine& operator=(RawCoroutine&& other) noexcept {
    std::swap(frame_, other.frame_);
    std::swap(started_, other.started_);
    return *this;
  }
  /// As close(). It must not be running.
  ~RawCoroutine() {
    if (frame_) {
      frame_.destroy();
    }
  }

  /// Python's send(None): starts it, or goes on with a Send{}. Runs until the next co_yield or the end,
  /// and throws what the coroutine throws. Throws std::logic_error if it has ended or is running.
  Step send()
    requires std::default_initializable<Send>
  {
    require_resumable();
    if (std::exchange(started_, true)) {
      exchange().sent.emplace();
    }
    return run();
  }
  /// Goes on: the co_yield at which it is suspended gives `value`. Throws std::logic_error also if it
  /// was never started, for then nobody waits for a value.
  Step send(Send value) {
    require_resumable();
    if (!started_) {
      throw std::logic_error(
          "a coroutine that hasn't started can't take a value: call send() first");
    }
    exchange().sent.emplace(std::move(value));
    return run();
  }
  /// Goes on: the co_yield at which it is suspended throws `error`. One that hasn't started ends with it.
  Step throw_(std::exception_ptr error) {
    require_resumable();
    if (!started_) {
      close();
      std::rethrow_exception(error);
    }
    exchange().thrown = std::move(error);
    return run();
  }
  template <typename E>
  Step throw_(E error) {
    return throw_(std::make_exception_ptr(std::move(error)));
  }
  /// Ends it where it is suspended: what lives in it, and in those that it awaits, is destroyed, the
  /// innermost first. Throws std::logic_error if it is running.
  void close() {
    if (!frame_) {
      return;
    }
    require_resting();
    std::exchange(frame_, nullptr).destroy();
  }
  /// Has it ended: returned, thrown, or closed?
  [[nodiscard]] bool done() const noexcept { return !frame_; }

 private:
  friend promise_type;
  friend class detail::RawPromiseBase<Yield, Send>;
  using Exchange = detail::RawExchange<Yield, Send>;

  /// Runs it inside the coroutine that awaits it.
  class Awaiter {
   public:
    Awaiter(RawCoroutine callee, Exchange& exchange)
        : callee_(std::move(callee)), exchange_(exchange) {
      callee_.require_resumable();
      if (callee_.started_) {
        throw std::logic_error("a coroutine that was started by hand can't be awaited");
      }
    }
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> caller) noexcept {
      callee_.promise().caller = caller;
      callee_.promise().exchange = &exchange_;
      exchange_.innermost = callee_.frame_;
    }
    Return await_resume() { return callee_.take_result(); }

   private:
    RawCoroutine callee_;
    Exchange& exchange_;
  };

  explicit RawCoroutine(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}

  promise_type& promise() const noexcept { return frame_.promise(); }
  Exchange& exchange() const noexcept { return promise().own; }
  void require_resting() const {
    if (exchange().running) {
      throw std::logic_error("this coroutine is running");
    }
  }
  void require_resumable() const {
    if (!frame_) {
      throw std::logic_error("this coroutine has ended");
    }
    require_resting();
  }

  Step run() {
    Exchange& here = exchange();
    if (!here.innermost) {
      here.innermost = frame_;
    }
    here.running = true;
    do {
      here.innermost.resume();
    } while (!here.yielded && here.innermost);
    here.running = false;
    if (here.yielded) {
      return Step(std::in_place_index<0>, *std::exchange(here.yielded, std::nullopt));
    }
    if constexpr (std::is_void_v<Return>) {
      take_result();
      return Step(std::in_place_index<1>);
    } else {
      return Step(std::in_place_index<1>, take_result());
    }
  }
  Return take_result() {
    const RawCoroutine ended(std::exchange(frame_, nullptr));
    if constexpr (std::is_void_v<Return>) {
      ended.promise().outcome.get();
    } else {
      return static_cast<Return&&>(ended.promise().outcome.get());
    }
  }

  std::coroutine_handle<promise_type> frame_;
  bool started_ = false;
};

namespace detail {

template <typename Yield, typename Send, typename Return>
RawCoroutine<Yield, Send, Return> RawPromise<Yield, Send, Return>::get_return_object() noexcept {
  return RawCoroutine<Yield, Send, Return>(std::coroutine_handle<RawPromise>::from_promise(*this));
}

template <typename Yield, typename Send>
RawCoroutine<Yield, Send, void> RawPromise<Yield, Send, void>::get_return_object() noexcept {
  return RawCoroutine<Yield, Send, void>(std::coroutine_handle<RawPromise>::from_promise(*this));
}

}  // namespace detail
}  // namespace simul
