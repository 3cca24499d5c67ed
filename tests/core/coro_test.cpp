#include <simul/coro.hpp>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

Coro<int> triple(int value) { co_return value * 3; }
Coro<> set(bool& flag) {
  flag = true;
  co_return;
}

Coro<int> depth(int n) {
  if (n == 0) {
    co_return 0;
  }
  co_return 1 + co_await depth(n - 1);
}

Coro<> lowest_stack(int n, std::uintptr_t& lowest) {
  lowest = std::min(lowest, reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)));
  if (n > 0) {
    co_await lowest_stack(n - 1, lowest);
  }
}

Coro<int> keeps(Witness, int value) { co_return value; }

}  // namespace

TEST_SUITE("coro") {
  TEST_CASE("calling a coroutine function runs nothing") {
    bool ran = false;
    {
      Coro<> coro = set(ran);
      CHECK(coro.startable());
    }
    CHECK_FALSE(ran);
  }

  TEST_CASE("awaiting a coroutine runs it inline, without ceding control") {
    run_virtual([]() -> Coro<> {
      bool other_ran = false;
      spawn(set(other_ran));
      for (int i = 0; i < 1000; ++i) {
        const int tripled = co_await triple(i);
        CHECK(tripled == 3 * i);
      }
      CHECK_FALSE(other_ran);
      co_await yield_now();
      CHECK(other_ran);
    });
  }

  TEST_CASE("a coroutine can be awaited only once") {
    run_virtual([]() -> Coro<> {
      Coro<int> coro = triple(1);
      CHECK(co_await coro == 3);
      CHECK_FALSE(coro.startable());
      CHECK_THROWS_AS(co_await coro, std::logic_error);
      Coro<int> moved = triple(2);
      Coro<int> to = std::move(moved);
      CHECK_THROWS_AS(co_await moved, std::logic_error);
      CHECK(co_await to == 6);
      CHECK_THROWS_AS(spawn(std::move(to)), std::logic_error);
    });
  }

  TEST_CASE("a coroutine is printed with the name of its function until it is started") {
    run_virtual([]() -> Coro<> {
      Coro<int> coro = triple(1);
      CHECK(to_string(coro).starts_with("<coroutine object triple at 0x"));
      co_await coro;
      CHECK(to_string(coro) == "<coroutine object, started>");
    });
  }

  TEST_CASE("a coroutine that is dropped unstarted destroys its arguments") {
    int alive = 0;
    {
      Coro<int> coro = keeps(Witness(alive), 1);
      CHECK(alive == 1);
      Coro<int> other = keeps(Witness(alive), 2);
      CHECK(alive == 2);
      coro = std::move(other);
      CHECK(alive == 1);
    }
    CHECK(alive == 0);
  }

  TEST_CASE("results may be values, references, move-only or nothing") {
    run_virtual([]() -> Coro<> {
      int target = 1;
      auto reference = [&]() -> Coro<int&> { co_return target; };
      int& same = co_await reference();
      CHECK(&same == &target);

      auto unique = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(7); };
      const std::unique_ptr<int> seven = co_await unique();
      CHECK(*seven == 7);

      auto text = []() -> Coro<std::string> {
        co_return "a literal that is converted to a string";
      };
      CHECK(co_await text() == "a literal that is converted to a string");

      auto constant = [&]() -> Coro<const int&> { co_return target; };
      CHECK(&co_await constant() == &target);

      struct NoDefault {
        explicit NoDefault(int n) : value(n) {}
        int value;
      };
      auto no_default = []() -> Coro<NoDefault> { co_return NoDefault(3); };
      CHECK((co_await no_default()).value == 3);
    });
  }

  TEST_CASE("a result is destroyed exactly once") {
    int alive = 0;
    run_virtual([&]() -> Coro<> {
      auto make = [&]() -> Coro<Witness> { co_return Witness(alive); };
      {
        const Witness result = co_await make();
        CHECK(alive == 1);
      }
      CHECK(alive == 0);
      (void)co_await make();
      CHECK(alive == 0);
    });
  }

  TEST_CASE("an exception goes through all awaits up to whoever catches it") {
    run_virtual([]() -> Coro<> {
      int alive = 0;
      auto thrower = []() -> Coro<int> {
        throw std::runtime_error("from below");
        co_return 1;
      };
      auto middle = [&]() -> Coro<int> {
        const Witness witness(alive);
        co_return co_await thrower() + 1;
      };
      try {
        (void)co_await middle();
        FAIL("must throw");
      } catch (const std::runtime_error& error) {
        CHECK(std::string(error.what()) == "from below");
        CHECK(alive == 0);
      }
      CHECK(co_await triple(1) == 3);
    });
  }

  TEST_CASE("an exception of the main coroutine comes out of run_until_complete") {
    auto fails = []() -> Coro<> {
      co_await yield_now();
      throw std::invalid_argument("main");
    };
    CHECK_THROWS_AS(run_virtual(fails), std::invalid_argument);
  }

  TEST_CASE("a result whose copy throws is an exception at the await") {
    struct Bad {
      Bad() = default;
      Bad(const Bad&) { throw std::runtime_error("copy"); }
      Bad& operator=(const Bad&) = delete;
    };
    run_virtual([]() -> Coro<> {
      const Bad original;
      auto make = [&]() -> Coro<Bad> { co_return original; };
      CHECK_THROWS_AS(co_await make(), std::runtime_error);
    });
  }

  TEST_CASE("a hundred thousand nested awaits need constant stack") {
    run_virtual([]() -> Coro<> {
      CHECK(co_await depth(100'000) == 100'000);
      std::uintptr_t lowest = UINTPTR_MAX;
      std::uintptr_t shallow = lowest;
      co_await lowest_stack(10, shallow);
      co_await lowest_stack(100'000, lowest);
      // With a sanitizer, frames of several kilobytes are normal; a stack that grew would be megabytes.
      CHECK(shallow - lowest < 16'384);
    });
  }

  TEST_CASE("a million awaits in a loop need constant stack") {
    run_virtual([]() -> Coro<> {
      long sum = 0;
      for (int i = 0; i < 1'000'000; ++i) {
        sum += co_await triple(1);
      }
      CHECK(sum == 3'000'000);
    });
  }

  TEST_CASE("a callee's frame and arguments are gone before the caller goes on") {
    run_virtual([]() -> Coro<> {
      int alive = 0;
      CHECK(co_await keeps(Witness(alive), 5) == 5);
      CHECK(alive == 0);
      Trace trace;
      auto callee = [&](Farewell) -> Coro<> {
        const Farewell local(trace, "local");
        trace("body");
        co_return;
      };
      co_await callee(Farewell(trace, "argument"));
      trace("caller");
      CHECK(trace.text() == "body local argument caller");
    });
  }

  TEST_CASE("large frames and over-long chains give their memory back") {
    int alive = 0;
    run_virtual([&]() -> Coro<> {
      auto large = [&](int n) -> Coro<int> {
        char buffer[10'000];
        const Witness witness(alive);
        buffer[n] = static_cast<char>(n);
        co_await yield_now();
        co_return buffer[n];
      };
      for (int i = 0; i < 100; ++i) {
        CHECK(co_await large(i) == i);
      }
      CHECK(alive == 0);
    });
  }
}
