// Suspended frames that are destroyed, alignment, loops, deep chains.
#include <cstdint>
#include <vector>

#include "canary.hpp"

using namespace canary;

namespace {

Coro<> suspended_for_ever([[maybe_unused]] Tracked a, [[maybe_unused]] Tracked b) {
  Tracked c{0, 'c'};
  {
    Tracked gone{0, 'x'};
  }
  Tracked d{0, 'd'};
  co_await Never{};
  Tracked e{0, 'e'};
}

Coro<> suspended_in_an_inner_scope() {
  Tracked a{0, 'a'};
  for (int i = 0; i < 3; ++i) {
    Tracked b{0, 'b'};
    if (i == 1) co_await Never{};
  }
}

Coro<> suspended_with_temporaries() {
  auto take = [](const Tracked&, int) {};
  auto never = []() -> Coro<int> {
    co_await Never{};
    co_return 1;
  };
  take(Tracked{0, 'a'}, co_await never());
}

Coro<> suspended_in_a_chain() {
  Tracked a{0, 'a'};
  co_await suspended_in_an_inner_scope();
}

Coro<> suspended_in_try() {
  Tracked a{0, 'a'};
  try {
    Tracked b{0, 'b'};
    co_await Never{};
  } catch (...) {
    Tracked c{0, 'c'};
  }
}

Coro<> ends_in_order([[maybe_unused]] Tracked p) {
  Tracked a{0, 'a'};
  Tracked b{0, 'b'};
  co_await Pause<>{};
}

Coro<int> result_outlives_the_locals() {
  Tracked t{5};
  co_await Pause<>{};
  co_return t.checked();
}

struct alignas(64) Aligned {
  unsigned char bytes[64] = {};
};

Coro<bool> over_aligned() {
  Aligned a;
  co_await Pause<>{};
  co_return reinterpret_cast<std::uintptr_t>(&a) % 16 == 0 && a.bytes[63] == 0;
}

Coro<std::vector<Tracked>> several_tracked() {
  co_await Pause<>{};
  std::vector<Tracked> values;
  for (int i = 1; i <= 4; ++i)
    values.emplace_back(i);
  co_return values;
}

Coro<int> range_for_over_an_awaited_temporary() {
  int sum = 0;
  for (const Tracked& t : co_await several_tracked()) {
    co_await Pause<>{};
    sum += t.checked();
  }
  co_return sum;
}

Coro<int> range_for_with_a_copy_and_awaits() {
  int sum = 0;
  for (Tracked t : co_await several_tracked()) {
    if (t.checked() == 2) continue;
    sum += co_await number(t.checked());
    if (t.checked() == 3) break;
  }
  co_return sum;
}

Coro<int> depth(int n) {
  Tracked t{n};
  if (n == 0) {
    co_await Pause<>{};
    co_return 0;
  }
  co_return co_await depth(n - 1) + 1;
}

Coro<int> many_in_a_row() {
  int sum = 0;
  for (int i = 0; i < 100000; ++i)
    sum += co_await number(1);
  co_return sum;
}

Coro<int> reference_to_a_temporary() {
  const Tracked& t = co_await tracked(5);
  co_await Pause<>{};
  co_return t.checked();
}

Coro<int> stored_coroutine() {
  auto first = tracked(1);
  auto second = tracked(2);
  co_await Pause<>{};
  Tracked b = co_await second;
  Tracked a = co_await std::move(first);
  co_return a.checked() * 10 + b.checked();
}

Coro<int> block_scopes() {
  int sum = 0;
  {
    Tracked t = co_await tracked(1);
    sum += t.checked();
  }
  {
    Tracked t = co_await tracked(2);
    sum += t.checked();
    co_await Pause<>{};
  }
  CHECK(deaths == "");
  co_return sum;
}

Coro<int> early_return(int n) {
  Tracked a{1};
  if (n == 0) co_return 0;
  Tracked b = co_await tracked(2);
  if (n == 1) co_return b.checked();
  co_await Pause<>{};
  co_return a.checked();
}

Coro<std::string> big_frame() {
  char bytes[4096];
  for (char& byte : bytes)
    byte = 'x';
  co_await Pause<>{};
  co_return std::string(bytes, sizeof bytes);
}

}  // namespace

CANARY("a destroyed suspended frame destroys locals, then parameters") {
  run_and_destroy(suspended_for_ever(Tracked{0, 'a'}, Tracked{0, 'b'}));
  CHECK(deaths == "xdcba");
}
CANARY("a frame destroyed in an inner scope") {
  run_and_destroy(suspended_in_an_inner_scope());
  CHECK(deaths == "bba");
}
CANARY("a frame destroyed amid an expression destroys its temporaries") {
  run_and_destroy(suspended_with_temporaries());
  CHECK(deaths == "a");
}
CANARY("a destroyed chain of frames") {
  run_and_destroy(suspended_in_a_chain());
  CHECK(deaths == "bbaa");
}
CANARY("a frame destroyed inside a try") {
  run_and_destroy(suspended_in_try());
  CHECK(deaths == "ba");
}
CANARY("locals die before final_suspend, parameters with the frame") {
  {
    auto coro = ends_in_order(Tracked{0, 'p'});
    next_up = coro.handle;
    drive();
    CHECK(deaths == "ba");
  }
  CHECK(deaths == "bap");
}
CANARY("a result outlives the locals") { CHECK(run(result_outlives_the_locals()) == 5); }
CANARY("an over-aligned local is whole") { CHECK(run(over_aligned())); }
CANARY("a range-for over an awaited temporary") {
  CHECK(run(range_for_over_an_awaited_temporary()) == 10);
}
CANARY("a range-for with copies, awaits, continue and break") {
  CHECK(run(range_for_with_a_copy_and_awaits()) == 4);
}
CANARY("a chain 10,000 deep needs no stack") { CHECK(run(depth(10000)) == 10000); }
CANARY("100,000 awaits in a row") { CHECK(run(many_in_a_row()) == 100000); }
CANARY("a reference extends an awaited temporary") { CHECK(run(reference_to_a_temporary()) == 5); }
CANARY("stored coroutines awaited in another order") { CHECK(run(stored_coroutine()) == 12); }
CANARY("objects in block scopes") { CHECK(run(block_scopes()) == 3); }
CANARY("early returns") {
  CHECK(run(early_return(0)) == 0 && run(early_return(1)) == 2 && run(early_return(2)) == 1);
}
CANARY("a big frame") { CHECK(run(big_frame()) == std::string(4096, 'x')); }
