// The smallest coroutine type that can show a miscompilation, and an object that counts.
//
//   CANARY("by-value parameters are destroyed once") {
//     run(takes(Tracked{1}));      // drives the coroutine to its end
//   }                              // main checks that nothing is alive and nothing died twice
//
// There is no library behind it, not even a test framework: a compiler that fails here may well
// miscompile a test framework too. Each case runs in a child process, so that one that hangs or
// crashes is one failure.
#pragma once

#include <coroutine>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace canary {

// --- cases
// -------------------------------------------------------------------------------------------
struct Case {
  Case(const char* case_name, void (*case_body)()) : name(case_name), body(case_body), next(first) {
    first = this;
  }
  const char* name;
  void (*body)();
  Case* next;
  static inline Case* first = nullptr;
};

#define CANARY_JOIN2(a, b) a##b
#define CANARY_JOIN(a, b) CANARY_JOIN2(a, b)
#define CANARY(name)                                                                            \
  static void CANARY_JOIN(case_, __LINE__)();                                                   \
  static const ::canary::Case CANARY_JOIN(registered_, __LINE__){name,                          \
                                                                 CANARY_JOIN(case_, __LINE__)}; \
  static void CANARY_JOIN(case_, __LINE__)()

[[noreturn]] inline void fail(const char* file, int line, const char* what) {
  std::fprintf(stderr, "  %s:%d: %s\n", file, line, what);
  std::fflush(stderr);
  std::_Exit(1);
}

#define CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::canary::fail(__FILE__, __LINE__, #condition))

// --- an object that counts
// --------------------------------------------------------------------------- It knows its address,
// as std::string with a short text does: a bitwise copy of it is found out.
inline int made = 0;
inline int destroyed = 0;
inline std::string deaths;  // the letters of the objects that died, in order

struct Tracked {
  explicit Tracked(int v, char letter = 0) : value(v), name(letter), self(this) { ++made; }
  Tracked(const Tracked& other) : value(other.checked()), name(other.name), self(this) { ++made; }
  Tracked(Tracked&& other) noexcept
      : value(std::exchange(other.checked(), -1)), name(std::exchange(other.name, 0)), self(this) {
    ++made;
  }
  Tracked& operator=(const Tracked& other) {
    value = other.checked();
    return *this;
  }
  Tracked& operator=(Tracked&& other) noexcept {
    value = std::exchange(other.checked(), -1);
    return *this;
  }
  ~Tracked() {
    CHECK(self == this);  // else: destroyed twice, or never constructed here
    self = nullptr;
    ++destroyed;
    if (name != 0) deaths += name;
  }
  int& checked() {
    CHECK(self == this);
    return value;
  }
  const int& checked() const {
    CHECK(self == this);
    return value;
  }

  int value;
  char name;
  const void* self;
};

struct MoveOnly : Tracked {
  using Tracked::Tracked;
  MoveOnly(MoveOnly&&) noexcept = default;
  MoveOnly& operator=(MoveOnly&&) noexcept = default;
};

// --- the trampoline
// ----------------------------------------------------------------------------------
inline std::coroutine_handle<> next_up;  // what the driver resumes next
inline std::coroutine_handle<> parked;   // what suspended on Pause and waits

inline void drive() {
  while (next_up || parked) {
    auto handle = next_up ? std::exchange(next_up, {}) : std::exchange(parked, {});
    handle.resume();
  }
}

// Suspends until the driver comes round; gives its value.
template <typename T = int>
struct Pause {
  T value{};
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) noexcept { parked = self; }
  T await_resume() { return std::move(value); }
};

template <typename T>
Pause<T> pause(T value) {
  return {std::move(value)};
}

// Suspends for ever: whoever awaits it gets destroyed there.
struct Never {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<>) noexcept {}
  void await_resume() noexcept {}
};

// --- the coroutine
// -----------------------------------------------------------------------------------
struct PromiseBase {
  std::coroutine_handle<> waiter;
  std::exception_ptr error;

  std::suspend_always initial_suspend() noexcept { return {}; }
  struct Final {
    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> self) noexcept {
      next_up = self.promise().waiter;
    }
    void await_resume() noexcept {}
  };
  Final final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { error = std::current_exception(); }
};

template <typename T>
struct Promise;

template <typename T = void>
struct [[nodiscard]] Coro {
  using promise_type = Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Coro(Handle h) noexcept : handle(h) {}
  Coro(Coro&& other) noexcept : handle(std::exchange(other.handle, {})) {}
  Coro& operator=(Coro&& other) noexcept {
    std::swap(handle, other.handle);
    return *this;
  }
  ~Coro() {
    if (handle) handle.destroy();
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) noexcept {
    handle.promise().waiter = waiter;
    next_up = handle;
  }
  T await_resume() { return handle.promise().take(); }

  Handle handle;
};

template <typename T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Coro<T> get_return_object() noexcept { return Coro<T>{Coro<T>::Handle::from_promise(*this)}; }
  void return_value(T result) { value.emplace(std::move(result)); }
  T take() {
    if (error) std::rethrow_exception(error);
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  Coro<> get_return_object() noexcept { return Coro<>{Coro<>::Handle::from_promise(*this)}; }
  void return_void() noexcept {}
  void take() {
    if (error) std::rethrow_exception(error);
  }
};

// Starts a coroutine and drives everything to the end.
template <typename T>
T run(Coro<T> coro) {
  next_up = coro.handle;
  drive();
  CHECK(coro.handle.done());
  return coro.handle.promise().take();
}

// Starts a coroutine that suspends for ever, and destroys it there.
template <typename T>
void run_and_destroy(Coro<T> coro) {
  next_up = coro.handle;
  drive();
  CHECK(!coro.handle.done());
}

// --- what cases await
// --------------------------------------------------------------------------------
inline Coro<int> number(int value) { co_return co_await pause(value); }
inline Coro<bool> truth(bool value) { co_return co_await pause(value); }
inline Coro<Tracked> tracked(int value, char name = 0) {
  co_await Pause<>{};
  co_return Tracked{value, name};
}
inline Coro<std::string> text(const char* value) {
  co_await Pause<>{};
  co_return std::string{value};
}
inline Coro<int> failing() {
  co_await Pause<>{};
  throw 42;
}

}  // namespace canary
