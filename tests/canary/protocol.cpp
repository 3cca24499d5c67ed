// The await protocol: operator co_await, await_transform, the forms of await_suspend, the promise's
// own constructor and operator new, symmetric transfer, source locations.
#include <cstddef>
#include <new>
#include <source_location>

#include "canary.hpp"

using namespace canary;

namespace {

// --- operator co_await
// -------------------------------------------------------------------------------
struct Later {
  Tracked payload;
  auto operator co_await() && { return Pause<Tracked>{std::move(payload)}; }
};
struct LaterByReference {
  Tracked payload;
};
auto operator co_await(const LaterByReference& later) {
  return Pause<int>{later.payload.checked()};
}

Coro<int> member_operator() {
  Tracked t = co_await Later{Tracked{3}};
  co_return t.checked();
}
Coro<int> free_operator() {
  LaterByReference later{Tracked{4}};
  co_return co_await later + co_await LaterByReference{Tracked{5}};
}

// --- await_suspend in its three forms
// ----------------------------------------------------------------
struct SuspendsIf {
  bool suspends;
  Tracked payload{1};
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> self) noexcept {
    if (suspends) parked = self;
    return suspends;
  }
  int await_resume() { return payload.checked(); }
};
struct Transfers {
  Tracked payload{2};
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> self) noexcept { return self; }
  int await_resume() { return payload.checked(); }
};
struct Ready {
  Tracked payload{3};
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) noexcept {}
  int await_resume() { return payload.checked(); }
};
Coro<int> forms_of_await_suspend() {
  co_return co_await SuspendsIf{true} + co_await SuspendsIf{false} + co_await Transfers{} +
      co_await Ready{};
}

// An awaiter that is resumed before its await_suspend returns must not be touched after it.
struct ResumesAtOnce {
  Tracked payload{4};
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) { self.resume(); }
  int await_resume() { return payload.checked(); }
};
Coro<int> resumed_inside_await_suspend() {
  int value = co_await ResumesAtOnce{};
  co_return value;
}

// --- what an awaiter returns
// -------------------------------------------------------------------------
struct GivesReference {
  Tracked& target;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) noexcept { parked = self; }
  Tracked& await_resume() const noexcept { return target; }
};
Coro<int> awaited_reference() {
  Tracked t{1};
  Tracked& same = co_await GivesReference{t};
  same.value = 8;
  (co_await GivesReference{t}).value += 1;
  auto copy = co_await GivesReference{t};
  co_return copy.checked() + (&same == &t ? 0 : 100);
}

// --- a promise with everything
// -----------------------------------------------------------------------
struct Located {
  int value;
  unsigned line;
};

unsigned line_of_the_await = 0;

struct Rich {
  struct promise_type;
  using Handle = std::coroutine_handle<promise_type>;
  struct promise_type {
    Tracked* first_parameter = nullptr;
    Tracked own{1};
    Located result{};
    static inline int frames = 0;

    promise_type() = default;
    explicit promise_type(Tracked& t, int) : first_parameter(&t) {}
    static void* operator new(std::size_t size) {
      ++frames;
      return ::operator new(size);
    }
    static void operator delete(void* block) {
      --frames;
      ::operator delete(block);
    }
    Rich get_return_object() { return Rich{Handle::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void unhandled_exception() { std::terminate(); }
    void return_value(Located value) { result = value; }

    struct WithLine {
      Pause<int> inner;
      unsigned line;
      bool await_ready() const noexcept { return inner.await_ready(); }
      void await_suspend(std::coroutine_handle<> self) noexcept { inner.await_suspend(self); }
      Located await_resume() { return {inner.await_resume(), line}; }
    };
    WithLine await_transform(Pause<int> inner,
                             std::source_location at = std::source_location::current()) {
      return {inner, at.line()};
    }
    Coro<Tracked>& await_transform(Coro<Tracked>& other) { return other; }
    Coro<Tracked>&& await_transform(Coro<Tracked>&& other) { return std::move(other); }
  };
  explicit Rich(Handle h) : handle(h) {}
  Rich(Rich&& other) noexcept : handle(std::exchange(other.handle, {})) {}
  ~Rich() {
    if (handle) handle.destroy();
  }
  Handle handle;
};

Located finish(const Rich& rich) {
  next_up = rich.handle;
  drive();
  CHECK(rich.handle.done());
  return rich.handle.promise().result;
}

Rich transforms(Tracked t, int plus) {
  line_of_the_await = __LINE__ + 1;
  Located first = co_await Pause<int>{plus};
  Coro<Tracked> stored = tracked(10);
  Tracked by_reference = co_await stored;
  Tracked by_value = co_await tracked(20);
  co_return Located{first.value + t.checked() + by_reference.checked() + by_value.checked(),
                    first.line};
}
Rich never_started(Tracked, int) { co_return Located{}; }

// --- symmetric transfer
// ------------------------------------------------------------------------------
struct Symmetric {
  struct promise_type {
    std::coroutine_handle<> waiter = std::noop_coroutine();
    Symmetric get_return_object() {
      return Symmetric{std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct Final {
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) noexcept {
        return self.promise().waiter;
      }
      void await_resume() noexcept {}
    };
    Final final_suspend() noexcept { return {}; }
    void unhandled_exception() { std::terminate(); }
    void return_void() {}
  };
  explicit Symmetric(std::coroutine_handle<promise_type> h) : handle(h) {}
  Symmetric(Symmetric&& other) noexcept : handle(std::exchange(other.handle, {})) {}
  ~Symmetric() {
    if (handle) handle.destroy();
  }
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiter) noexcept {
    handle.promise().waiter = waiter;
    return handle;
  }
  void await_resume() noexcept {}
  std::coroutine_handle<promise_type> handle;
};

Symmetric leaf(int& count, Tracked t) {
  count += t.checked();
  co_return;
}
Symmetric root(int& count) {
  for (int i = 0; i < 100; ++i)
    co_await leaf(count, Tracked{1});  // few: -O0 needs stack for each
}

// --- a generator
// -------------------------------------------------------------------------------------
struct Generator {
  struct promise_type {
    Tracked* current = nullptr;
    Generator get_return_object() {
      return Generator{std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    std::suspend_always yield_value(Tracked&& value) noexcept {
      current = &value;
      return {};
    }
    void unhandled_exception() { throw; }
    void return_void() {}
  };
  explicit Generator(std::coroutine_handle<promise_type> h) : handle(h) {}
  ~Generator() { handle.destroy(); }
  bool next() {
    handle.resume();
    return !handle.done();
  }
  std::coroutine_handle<promise_type> handle;
};

Generator generate(Tracked from, int count) {
  for (int i = 0; i < count; ++i)
    co_yield Tracked{from.checked() + i};
}

}  // namespace

CANARY("a member operator co_await") { CHECK(run(member_operator()) == 3); }
CANARY("a free operator co_await") { CHECK(run(free_operator()) == 9); }
CANARY("the three forms of await_suspend, and a ready awaiter") {
  CHECK(run(forms_of_await_suspend()) == 7);
}
CANARY("resumed inside await_suspend") { CHECK(run(resumed_inside_await_suspend()) == 4); }
CANARY("await_resume that gives a reference") { CHECK(run(awaited_reference()) == 9); }
CANARY("await_transform, by value and by reference, with a source location") {
  Located result = finish(transforms(Tracked{1}, 2));
  CHECK(result.value == 33);
  CHECK(result.line == line_of_the_await);
}
CANARY("a promise constructed from the parameters sees the frame's copies") {
  Rich rich = transforms(Tracked{1}, 2);
  CHECK(rich.handle.promise().first_parameter->checked() == 1);
}
CANARY("the promise's operator new and delete") {
  {
    Rich one = never_started(Tracked{1}, 1);
    Rich two = transforms(Tracked{1}, 1);
    finish(two);
  }
  CHECK(Rich::promise_type::frames == 0);  // how many there were meanwhile: the optimizer may elide
}
CANARY("symmetric transfer") {
  int count = 0;
  Symmetric coro = root(count);
  coro.handle.resume();
  CHECK(coro.handle.done() && count == 100);
}
CANARY("co_yield of temporaries") {
  int sum = 0;
  Generator values = generate(Tracked{10}, 3);
  while (values.next())
    sum += values.handle.promise().current->checked();
  CHECK(sum == 33);
}
CANARY("a generator destroyed half way") {
  Generator values = generate(Tracked{10}, 3);
  CHECK(values.next() && values.next());
}
