// co_await in braces: initializer lists, aggregates, arrays, structured bindings.
#include <array>
#include <initializer_list>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "canary.hpp"

using namespace canary;

namespace {

struct Pair {
  Tracked first;
  Tracked second;
};

struct Options {
  int count = 7;
  std::string name = "a default that is too long for the small buffer";
  Tracked extra{9};
};

struct Nested {
  Pair pair;
  int number;
};

int sum(const std::vector<Tracked>& values) {
  int total = 0;
  for (const auto& value : values)
    total += value.checked();
  return total;
}

Coro<int> initializer_list_of_ints() {
  std::vector<int> values{co_await number(1), co_await number(2), co_await number(3)};
  co_return values[0] + values[1] + values[2];
}

Coro<int> initializer_list_of_classes() {
  std::vector<Tracked> values{co_await tracked(1), co_await tracked(2), Tracked{3}};
  co_return sum(values);
}

Coro<int> initializer_list_of_strings() {
  std::vector<std::string> values{co_await text("one that does not fit the small buffer"), "two"};
  co_return static_cast<int>(values[0].size() + values[1].size());
}

Coro<int> aggregate() {
  Pair pair{co_await tracked(1), co_await tracked(2)};
  co_return pair.first.checked() * 10 + pair.second.checked();
}

Coro<int> nested_aggregate() {
  Nested nested{{Tracked{1}, co_await tracked(2)}, co_await number(3)};
  co_return nested.pair.first.checked() + nested.pair.second.checked() + nested.number;
}

Coro<int> designated() {
  Options options{.count = co_await number(5), .extra = co_await tracked(6)};
  co_return options.count + options.extra.checked() + static_cast<int>(options.name.size());
}

Coro<int> take(Options options) {
  co_await Pause<>{};
  co_return options.count + options.extra.checked() + static_cast<int>(options.name.size());
}

Coro<int> take_pair(const Pair& pair) {
  co_await Pause<>{};
  co_return pair.first.checked() + pair.second.checked();
}

Coro<int> aggregate_temporary_as_argument() { co_return co_await take({.count = 1}); }
Coro<int> empty_braces_as_argument() { co_return co_await take({}); }
Coro<int> aggregate_temporary_by_reference() {
  co_return co_await take_pair({Tracked{3}, Tracked{4}});
}
Coro<int> aggregate_temporary_with_awaits_as_argument() {
  co_return co_await take({.count = co_await number(1), .extra = co_await tracked(2)});
}

// An aggregate that is itself awaited.
struct AggregateAwaiter {
  Tracked payload;
  std::string name;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) noexcept { parked = self; }
  Tracked await_resume() { return std::move(payload); }
};

Coro<int> awaited_aggregate() {
  Tracked t = co_await AggregateAwaiter{Tracked{4}, "too long for the small string buffer"};
  co_return t.checked();
}

Coro<int> awaited_aggregate_with_await_inside() {
  Tracked t = co_await AggregateAwaiter{co_await tracked(5), co_await text("short")};
  co_return t.checked();
}

Coro<int> array_of_classes() {
  Tracked values[] = {co_await tracked(1), co_await tracked(2)};
  std::array<Tracked, 2> more{co_await tracked(3), Tracked{4}};
  co_return values[0].checked() + values[1].checked() + more[0].checked() + more[1].checked();
}

Coro<int> constructor_with_braces() {
  auto pointer = std::make_unique<Pair>(Pair{co_await tracked(1), Tracked{2}});
  std::map<std::string, Tracked> map{{co_await text("key"), co_await tracked(3)}};
  co_return pointer->first.checked() + pointer->second.checked() + map.at("key").checked();
}

Coro<Pair> pair_of(int a, int b) {
  co_await Pause<>{};
  co_return Pair{Tracked{a}, Tracked{b}};
}

Coro<int> structured_binding() {
  auto [first, second] = co_await pair_of(1, 2);
  co_await Pause<>{};
  co_return first.checked() * 10 + second.checked();
}

Coro<int> structured_binding_by_reference() {
  auto&& [first, second] = co_await pair_of(3, 4);
  co_await Pause<>{};
  co_return first.checked() * 10 + second.checked();
}

Coro<int> structured_binding_of_a_tuple() {
  auto [a, b, c] = std::tuple{co_await tracked(1), co_await text("four"), co_await number(5)};
  co_await Pause<>{};
  co_return a.checked() + static_cast<int>(b.size()) + c;
}

Coro<int> awaited_list(std::initializer_list<int> values) {
  int total = 0;  // before the first suspension: the list lives in the caller's expression
  for (int value : values)
    total += value;
  co_await Pause<>{};
  for (int value : values)
    total += value;
  co_return total;
}

Coro<int> initializer_list_as_argument() { co_return co_await awaited_list({1, 2, 3}); }

Coro<Pair> returned_braces() { co_return {co_await tracked(1), co_await tracked(2)}; }

}  // namespace

CANARY("an initializer list of awaited ints") { CHECK(run(initializer_list_of_ints()) == 6); }
CANARY("an initializer list of awaited classes") { CHECK(run(initializer_list_of_classes()) == 6); }
CANARY("an initializer list of awaited strings") {
  CHECK(run(initializer_list_of_strings()) == 41);
}
CANARY("an aggregate of awaited classes") { CHECK(run(aggregate()) == 12); }
CANARY("a nested aggregate with awaits") { CHECK(run(nested_aggregate()) == 6); }
CANARY("designated initializers with awaits") { CHECK(run(designated()) == 58); }
CANARY("an aggregate temporary as an argument") {
  CHECK(run(aggregate_temporary_as_argument()) == 57);
}
CANARY("empty braces as an argument") { CHECK(run(empty_braces_as_argument()) == 63); }
CANARY("an aggregate temporary bound to a reference") {
  CHECK(run(aggregate_temporary_by_reference()) == 7);
}
CANARY("an aggregate temporary with awaits as an argument") {
  CHECK(run(aggregate_temporary_with_awaits_as_argument()) == 50);
}
CANARY("an awaited aggregate prvalue") { CHECK(run(awaited_aggregate()) == 4); }
CANARY("an awaited aggregate prvalue with awaits inside") {
  CHECK(run(awaited_aggregate_with_await_inside()) == 5);
}
CANARY("arrays of awaited classes") { CHECK(run(array_of_classes()) == 10); }
CANARY("constructors with braces and awaits") { CHECK(run(constructor_with_braces()) == 6); }
CANARY("a structured binding of an awaited aggregate") { CHECK(run(structured_binding()) == 12); }
CANARY("a structured binding that extends a temporary") {
  CHECK(run(structured_binding_by_reference()) == 34);
}
CANARY("a structured binding of a tuple of awaits") {
  CHECK(run(structured_binding_of_a_tuple()) == 10);
}
CANARY("an initializer list as an argument") { CHECK(run(initializer_list_as_argument()) == 12); }
CANARY("co_return of braces with awaits") {
  Pair pair = run(returned_braces());
  CHECK(pair.first.checked() == 1 && pair.second.checked() == 2);
}
