// co_await where a condition or an operand is evaluated.
#include "canary.hpp"

using namespace canary;

namespace {

Coro<int> in_if(bool which) {
  if (co_await truth(which)) co_return 1;
  co_return 2;
}

Coro<int> in_if_with_initializer() {
  if (Tracked t = co_await tracked(3); t.checked() == 3) co_return t.value;
  co_return 0;
}

Coro<int> in_else_if(int wanted) {
  if (co_await number(1) == wanted) {
    co_return 10;
  } else if (co_await number(2) == wanted) {
    co_return 20;
  } else {
    co_return 30;
  }
}

Coro<int> in_while() {
  int rounds = 0;
  while (co_await number(rounds) < 5)
    ++rounds;
  co_return rounds;
}

Coro<int> in_while_declaration() {
  int sum = 0;
  int left = 4;
  while (int now = co_await number(left)) {
    sum += now;
    --left;
  }
  co_return sum;
}

Coro<int> in_do_while() {
  int rounds = 0;
  do
    ++rounds;
  while (co_await number(rounds) != 4);
  co_return rounds;
}

Coro<int> in_for() {
  int sum = 0;
  for (int i = co_await number(0); i < co_await number(4); i += co_await number(1))
    sum += i;
  co_return sum;
}

Coro<int> in_for_with_continue() {
  int sum = 0;
  for (int i = 0; co_await truth(i < 6); ++i) {
    if (co_await truth(i % 2 == 0)) continue;
    if (i == 5) break;
    sum += co_await number(i);
  }
  co_return sum;
}

Coro<int> in_switch(int value) {
  switch (co_await number(value)) {
    case 1:
      co_return co_await number(10);
    case 2: {
      Tracked t = co_await tracked(20);
      co_return t.checked();
    }
    default:
      break;
  }
  co_return 30;
}

Coro<std::string> ternary_of_classes(bool which) {
  co_return (co_await truth(which)) ? co_await text("the first, too long for the small buffer")
                                    : co_await text("the second, too long for the small buffer");
}

Coro<int> ternary_with_one_await(bool which) {
  Tracked t = which ? co_await tracked(1) : Tracked{2};
  co_return t.checked();
}

Coro<int> ternary_with_a_temporary_in_the_condition(bool which) {
  Tracked t = (co_await tracked(which)).checked() == 1 ? Tracked{5} : Tracked{6};
  co_await Pause<>{};
  co_return t.checked();
}

Coro<int> nested_ternary(int n) {
  Tracked t = n == 0 ? co_await tracked(10) : n == 1 ? co_await tracked(11) : Tracked{12};
  co_return t.checked();
}

Coro<int> ternary_as_argument(bool which) {
  auto take = [](Tracked t) { return t.checked(); };
  co_return take(which ? co_await tracked(7) : co_await tracked(8));
}

Coro<bool> logical_and(bool a, bool b, int& evaluated) {
  auto count = [&](bool value) -> Coro<bool> {
    ++evaluated;
    co_return co_await truth(value);
  };
  co_return co_await count(a) && co_await count(b);
}

Coro<bool> logical_or(bool a, bool b, int& evaluated) {
  auto count = [&](bool value) -> Coro<bool> {
    ++evaluated;
    co_return co_await truth(value);
  };
  co_return co_await count(a) || co_await count(b);
}

Coro<bool> temporaries_in_logical_and() {
  co_return (co_await tracked(1)).checked() == 1 && (co_await tracked(2)).checked() == 2 &&
      !((co_await tracked(3)).checked() == 4);
}

Coro<int> comma() {
  int first = 0;
  int last = (first = co_await number(1), co_await tracked(2), co_await number(first + 2));
  co_return last;
}

Coro<int> arithmetic() {
  co_return co_await number(2) * co_await number(3) + (co_await tracked(4)).checked();
}

Coro<int> compound_assignment() {
  int sum = 1;
  sum += co_await number(2);
  sum -= co_await number(co_await number(1));
  int array[3] = {};
  array[co_await number(1)] = co_await number(sum);
  co_return array[1];
}

Coro<int> nested_conditions() {
  int hits = 0;
  for (int i = 0; i < 3; ++i) {
    if (co_await truth(i > 0) && (co_await number(i) == 1 || (co_await tracked(i), i != 0))) ++hits;
  }
  co_return hits;
}

}  // namespace

CANARY("co_await in an if condition") { CHECK(run(in_if(true)) == 1 && run(in_if(false)) == 2); }
CANARY("co_await in an if with initializer") { CHECK(run(in_if_with_initializer()) == 3); }
CANARY("co_await in else if conditions") {
  CHECK(run(in_else_if(1)) == 10 && run(in_else_if(2)) == 20 && run(in_else_if(3)) == 30);
}
CANARY("co_await in a while condition") { CHECK(run(in_while()) == 5); }
CANARY("co_await in a while declaration") { CHECK(run(in_while_declaration()) == 10); }
CANARY("co_await in a do-while condition") { CHECK(run(in_do_while()) == 4); }
CANARY("co_await in all parts of a for") { CHECK(run(in_for()) == 6); }
CANARY("continue and break around awaits") { CHECK(run(in_for_with_continue()) == 4); }
CANARY("co_await in a switch") {
  CHECK(run(in_switch(1)) == 10 && run(in_switch(2)) == 20 && run(in_switch(3)) == 30);
}
CANARY("a ternary of awaited classes") {
  CHECK(run(ternary_of_classes(true)).substr(0, 9) == "the first");
  CHECK(run(ternary_of_classes(false)).substr(0, 10) == "the second");
}
CANARY("a ternary with one awaited class") {
  CHECK(run(ternary_with_one_await(true)) == 1 && run(ternary_with_one_await(false)) == 2);
}
CANARY("a ternary with an awaited temporary in its condition") {
  CHECK(run(ternary_with_a_temporary_in_the_condition(true)) == 5);
  CHECK(run(ternary_with_a_temporary_in_the_condition(false)) == 6);
}
CANARY("nested ternaries of classes") {
  CHECK(run(nested_ternary(0)) == 10 && run(nested_ternary(1)) == 11 &&
        run(nested_ternary(2)) == 12);
}
CANARY("a ternary of awaited classes as an argument") {
  CHECK(run(ternary_as_argument(true)) == 7 && run(ternary_as_argument(false)) == 8);
}
CANARY("co_await on both sides of &&") {
  int evaluated = 0;
  CHECK(!run(logical_and(false, true, evaluated)) && evaluated == 1);
  CHECK(run(logical_and(true, true, evaluated)) && evaluated == 3);
}
CANARY("co_await on both sides of ||") {
  int evaluated = 0;
  CHECK(run(logical_or(true, false, evaluated)) && evaluated == 1);
  CHECK(run(logical_or(false, true, evaluated)) && evaluated == 3);
}
CANARY("awaited temporaries in && and !") { CHECK(run(temporaries_in_logical_and())); }
CANARY("co_await in comma expressions") { CHECK(run(comma()) == 3); }
CANARY("co_await in arithmetic") { CHECK(run(arithmetic()) == 10); }
CANARY("co_await in compound assignment and subscripts") { CHECK(run(compound_assignment()) == 2); }
CANARY("nested conditions in a loop") { CHECK(run(nested_conditions()) == 2); }
