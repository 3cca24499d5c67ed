// Parameters and captures: copied into the frame once, destroyed once.
#include <functional>
#include <memory>
#include <string_view>

#include "canary.hpp"

using namespace canary;

namespace {

Coro<int> by_value(Tracked t) {
  co_await Pause<>{};
  co_return t.checked();
}

Coro<int> by_move(MoveOnly m) {
  co_await Pause<>{};
  co_return m.checked();
}

Coro<int> by_rvalue_reference(Tracked&& t) {
  co_await Pause<>{};
  co_return t.checked();
}

Coro<int> by_const_reference(const Tracked& t) {
  co_await Pause<>{};
  co_return t.checked();
}

Coro<int> unused(Tracked, MoveOnly) {
  co_await Pause<>{};
  co_return 1;
}

Coro<int> several(std::string a, Tracked b, std::unique_ptr<int> c) {
  co_await Pause<>{};
  co_return static_cast<int>(a.size()) + b.checked() + *c;
}

Coro<int> with_default(Tracked t = Tracked{8},
                       std::string s = "a default beyond the small buffer") {
  co_await Pause<>{};
  co_return t.checked() + static_cast<int>(s.size());
}

Coro<int> reassigned(Tracked t) {
  t = Tracked{2};
  co_await Pause<>{};
  t = co_await tracked(3);
  co_return t.checked();
}

template <typename... Args>
Coro<int> pack(Args... args) {
  co_await Pause<>{};
  co_return (args.checked() + ...);
}

Coro<int> awaited_argument_to_a_function() {
  auto add = [](Tracked a, const Tracked& b, int c) { return a.checked() + b.checked() + c; };
  co_return add(co_await tracked(1), co_await tracked(2), co_await number(3));
}

Coro<int> awaited_argument_to_a_coroutine() {
  co_return co_await several(co_await text("a long text that the heap must hold"),
                             co_await tracked(2), std::make_unique<int>(co_await number(3)));
}

Coro<int> temporary_beside_an_await() {
  auto add = [](std::string_view a, int b) { return static_cast<int>(a.size()) + b; };
  co_return add(std::string(40, 'x'), co_await number(2));
}

Coro<int> temporary_argument_lives_until_the_end_of_the_expression() {
  co_return co_await by_const_reference(Tracked{4}) + co_await by_rvalue_reference(Tracked{5});
}

Coro<int> member_call_on_an_awaited_temporary() {
  co_return static_cast<int>(
      (co_await text("too long for the small string buffer")).substr(4).size());
}

Coro<int> default_arguments() { co_return co_await with_default(); }

Coro<int> moved_local() {
  MoveOnly m{6};
  co_return co_await by_move(std::move(m));
}

struct Object {
  Tracked member{7};
  Coro<int> method(Tracked t) {
    co_await Pause<>{};
    co_return member.checked() + t.checked();
  }
  Coro<int> const_method() const {
    co_await Pause<>{};
    co_return member.checked();
  }
  Coro<int> operator()(int plus) {
    co_await Pause<>{};
    co_return member.checked() + plus;
  }
};

Coro<int> methods() {
  Object object;
  co_return co_await object.method(Tracked{1}) + co_await object.const_method() +
      co_await object(2);
}

Coro<int> method_of_a_temporary() { co_return co_await Object{}.method(Tracked{1}); }

// Lambdas. A lambda that captures must outlive its coroutine: here it does.
Coro<int> capture_by_value() {
  Tracked t{3};
  auto lambda = [t]() -> Coro<int> {
    co_await Pause<>{};
    co_return t.checked();
  };
  co_return co_await lambda() + co_await lambda();
}

Coro<int> capture_by_reference() {
  Tracked t{3};
  co_await [&]() -> Coro<> { t.value = co_await number(5); }();
  co_return t.checked();
}

Coro<int> capture_by_move() {
  auto pointer = std::make_unique<Tracked>(4);
  auto lambda = [p = std::move(pointer)](Tracked t) -> Coro<int> {
    co_await Pause<>{};
    co_return p->checked() + t.checked();
  };
  co_return co_await lambda(Tracked{5});
}

Coro<int> immediate_lambda_with_captures() {
  Tracked t{3};
  co_return co_await [t, u = Tracked{4}]() -> Coro<int> {
    co_await Pause<>{};
    co_return t.checked() + u.checked();
  }();
}

Coro<int> captured_await() {
  auto lambda = [t = co_await tracked(6)] { return t.checked(); };
  co_return lambda();
}

Coro<int> nested_lambdas() {
  Tracked a{1};
  auto outer = [&a](Tracked b) -> Coro<int> {
    auto inner = [&a, b](Tracked c) -> Coro<int> {
      co_await Pause<>{};
      co_return a.checked() * 100 + b.checked() * 10 + c.checked();
    };
    co_return co_await inner(Tracked{3});
  };
  co_return co_await outer(Tracked{2});
}

Coro<int> generic_lambda() {
  auto lambda = [](auto first, auto... rest) -> Coro<int> {
    co_await Pause<>{};
    co_return first.checked() + (rest.checked() + ... + 0);
  };
  co_return co_await lambda(Tracked{1}, Tracked{2}, MoveOnly{3});
}

Coro<int> recursive(int n, Tracked t) {
  if (n == 0) co_return t.checked();
  co_return co_await recursive(n - 1, Tracked{t.checked() + 1});
}

// What with_group and fail_after do: keep a callable in the wrapper's frame, and await what it
// gives.
template <typename Fn>
Coro<int> wrapper(Fn fn) {
  co_await Pause<>{};
  co_return co_await fn(Tracked{1});
}

Coro<int> callable_in_the_frame_of_a_wrapper() {
  Tracked local{2};
  co_return co_await wrapper([&local, copy = Tracked{3}](Tracked t) -> Coro<int> {
    co_await Pause<>{};
    co_return local.checked() + copy.checked() + t.checked();
  });
}

Coro<int> through_std_function() {
  std::function<Coro<int>(Tracked)> fn = [copy = Tracked{3}](Tracked t) -> Coro<int> {
    co_await Pause<>{};
    co_return copy.checked() + t.checked();
  };
  co_return co_await fn(Tracked{4});
}

}  // namespace

CANARY("a by-value parameter") { CHECK(run(by_value(Tracked{1})) == 1); }
CANARY("a by-value parameter copied from an lvalue") {
  Tracked t{2};
  CHECK(run(by_value(t)) == 2);
  CHECK(t.checked() == 2);
}
CANARY("a by-value parameter of a coroutine that never starts") { (void)by_value(Tracked{1}); }
CANARY("a move-only parameter") { CHECK(run(by_move(MoveOnly{1})) == 1); }
CANARY("a move-only parameter from a local") { CHECK(run(moved_local()) == 6); }
CANARY("unnamed parameters") { CHECK(run(unused(Tracked{1}, MoveOnly{2})) == 1); }
CANARY("several parameters") {
  CHECK(run(several("four", Tracked{1}, std::make_unique<int>(2))) == 7);
}
CANARY("default arguments") { CHECK(run(default_arguments()) == 41); }
CANARY("a reassigned parameter") { CHECK(run(reassigned(Tracked{1})) == 3); }
CANARY("a parameter pack") { CHECK(run(pack(Tracked{1}, MoveOnly{2}, Tracked{3})) == 6); }
CANARY("awaited arguments of a function") { CHECK(run(awaited_argument_to_a_function()) == 6); }
CANARY("awaited arguments of a coroutine") { CHECK(run(awaited_argument_to_a_coroutine()) == 40); }
CANARY("a temporary beside an await") { CHECK(run(temporary_beside_an_await()) == 42); }
CANARY("temporary arguments live until the end of the expression") {
  CHECK(run(temporary_argument_lives_until_the_end_of_the_expression()) == 9);
}
CANARY("a member call on an awaited temporary") {
  CHECK(run(member_call_on_an_awaited_temporary()) == 32);
}
CANARY("member coroutines") { CHECK(run(methods()) == 24); }
CANARY("a member coroutine of a temporary") { CHECK(run(method_of_a_temporary()) == 8); }
CANARY("a lambda that captures by value") { CHECK(run(capture_by_value()) == 6); }
CANARY("a lambda that captures by reference") { CHECK(run(capture_by_reference()) == 5); }
CANARY("a lambda that captures by move") { CHECK(run(capture_by_move()) == 9); }
CANARY("an immediate lambda with captures") { CHECK(run(immediate_lambda_with_captures()) == 7); }
CANARY("co_await in a capture") { CHECK(run(captured_await()) == 6); }
CANARY("nested lambda coroutines") { CHECK(run(nested_lambdas()) == 123); }
CANARY("a generic lambda coroutine") { CHECK(run(generic_lambda()) == 6); }
CANARY("recursion") { CHECK(run(recursive(20, Tracked{1})) == 21); }
CANARY("a callable kept in the frame of a wrapper") {
  CHECK(run(callable_in_the_frame_of_a_wrapper()) == 6);
}
CANARY("a coroutine through std::function") { CHECK(run(through_std_function()) == 7); }
