#include <simul/context_var.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <simul/loop_group.hpp>
#include <simul/run_on.hpp>

#include "harness.hpp"
#include "runner.hpp"

using namespace simul;
using namespace simul::test;

namespace {

ContextVar<std::string> user("user");
ContextVar<int> depth("depth", 0);

}  // namespace

TEST_SUITE("context variables") {
  TEST_CASE("without a value there is the default, or an error") {
    run_virtual([]() -> Coro<> {
      CHECK(depth.get() == 0);
      CHECK(depth.get_or(5) == 5);
      CHECK(user.get_or("nobody") == "nobody");
      CHECK_THROWS_WITH_AS((void)user.get(),
                           "context variable 'user' has no value here and no default",
                           std::logic_error);
      co_return;
    });
  }

  TEST_CASE("set gives a value until reset gets the token") {
    run_virtual([]() -> Coro<> {
      auto first = depth.set(1);
      CHECK(depth.get() == 1);
      CHECK(depth.get_or(5) == 1);
      auto second = depth.set(2);
      auto name = user.set("ann");
      CHECK(depth.get() == 2);
      depth.reset(std::move(second));  // not the latest of all: the other one keeps its value
      CHECK(depth.get() == 1);
      CHECK(user.get() == "ann");
      depth.reset(std::move(first));
      CHECK(depth.get() == 0);
      CHECK(user.get() == "ann");
      user.reset(std::move(name));
      CHECK(user.get_or("") == "");
      CHECK_FALSE(depth.get_or(-1) == 0);  // unset again, not set to its default
      co_return;
    });
  }

  TEST_CASE("a value lasts across awaits, and callees of the task see and change it") {
    run_virtual([]() -> Coro<> {
      depth.set(1);
      auto deeper = []() -> Coro<> {
        CHECK(depth.get() == 1);
        co_await sleep(1s);
        depth.set(2);
      };
      co_await deeper();
      CHECK(depth.get() == 2);
    });
  }

  TEST_CASE("with_value ends with its function, also by an exception and by a cancellation") {
    run_virtual([]() -> Coro<> {
      depth.set(1);
      const int inside = co_await depth.with_value(2, []() -> Coro<int> {
        co_await sleep(1s);
        co_return depth.get();
      });
      CHECK(inside == 2);
      CHECK(depth.get() == 1);
      auto fail = []() -> Coro<> {
        user.set("bob");  // of another variable: it stays
        throw std::out_of_range("inside");
        co_return;
      };
      CHECK_THROWS_AS(co_await depth.with_value(3, fail), std::out_of_range);
      CHECK(depth.get() == 1);
      CHECK(user.get() == "bob");
      co_await move_on_after(1s, []() -> Coro<> { co_await depth.with_value(4, sleep_forever); });
      CHECK(depth.get() == 1);
    });
  }

  TEST_CASE("a task begins with the values of its spawner; later changes don't cross") {
    run_virtual([]() -> Coro<> {
      depth.set(1);
      std::vector<int> seen;
      auto child = [&]() -> Coro<> {
        seen.push_back(depth.get());
        depth.set(10);
        co_await yield_now();
        seen.push_back(depth.get());
      };
      Task<> task = spawn(child);
      depth.set(2);
      co_await task;
      CHECK(seen == std::vector{1, 10});
      CHECK(depth.get() == 2);
      seen.clear();
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        group.spawn(child);
        depth.set(3);
        group.spawn(child);
        co_return;
      });
      CHECK(seen == std::vector{2, 3, 10, 10});
      CHECK(depth.get() == 3);
    });
  }

  TEST_CASE("a task on another loop begins with them as well, as of the call") {
    Runner other;
    run([](Loop& there) -> Coro<> {
      user.set("ann");
      auto greet = []() -> Coro<std::string> { co_return "hello " + user.get(); };
      Task<std::string> task = spawn(there, greet);
      user.set("bob");
      CHECK(co_await task == "hello ann");
      CHECK(co_await run_on(there, greet) == "hello bob");
      auto change = []() -> Coro<> {
        user.set("there");
        co_return;
      };
      co_await run_on(there, change);
      CHECK(user.get() == "bob");
    }(*other));
    run([](Loop& there) -> Coro<> {
      auto has_none = []() -> Coro<std::string> { co_return user.get_or("none"); };
      CHECK(co_await run_on(there, has_none) == "none");  // what ran there before left nothing
    }(*other));
  }

  TEST_CASE("outside of a task: the default, and nothing can be set") {
    CHECK(depth.get() == 0);
    CHECK_THROWS_AS((void)user.get(), std::logic_error);
    CHECK_THROWS_WITH_AS(depth.set(1), "context variable 'depth' can be set inside a task only",
                         std::logic_error);
    run_virtual([]() -> Coro<> {
      depth.set(1);
      std::optional<int> in_callback;
      Loop::current().post([&] { in_callback = depth.get(); });
      co_await settle();
      CHECK(in_callback == 0);
    });
  }

  TEST_CASE("a token fits its variable, in its task") {
    run_virtual([]() -> Coro<> {
      ContextVar<int> another("another");
      CHECK_THROWS_AS(depth.reset(another.set(1)), std::logic_error);
      auto token = depth.set(1);
      auto elsewhere = [&]() -> Coro<> {
        CHECK_THROWS_AS(depth.reset(std::move(token)), std::logic_error);
        co_return;
      };
      co_await spawn(elsewhere);
    });
  }

  TEST_CASE("a new variable in the place of an old one has no value") {
    run_virtual([]() -> Coro<> {
      std::optional<ContextVar<int>> variable;
      variable.emplace("first");
      variable->set(1);
      variable.emplace("second");
      CHECK(variable->get_or(2) == 2);
      co_return;
    });
  }

  TEST_CASE("a value dies with the last task that can see it") {
    run_virtual([]() -> Coro<> {
      ContextVar<std::shared_ptr<Witness>> held("held");
      int alive = 0;
      Task<> child;
      auto parent = [&]() -> Coro<> {
        held.set(std::make_shared<Witness>(alive));
        child = spawn(sleep_for(1s));
        co_return;
      };
      Task<> task = spawn(parent);
      co_await task;
      CHECK(alive == 1);
      co_await child;
      CHECK(alive == 0);  // though both handles are still there
    });
  }

  TEST_CASE("destructors at a task's end still see its values") {
    run_virtual([]() -> Coro<> {
      int seen = 0;
      struct Last {
        ~Last() { seen = depth.get(); }
        int& seen;
      };
      auto body = [&]() -> Coro<> {
        const Last last{seen};
        depth.set(4);
        co_await sleep_forever();
      };
      Task<> task = spawn(body);
      co_await settle();
      task.cancel();
      CHECK_THROWS_AS(co_await task, TaskCancelled);
      CHECK(seen == 4);
    });
  }

  TEST_CASE("cut anywhere, the value is restored and the other task's stays") {
    const std::size_t cuts = cancel_everywhere([](Cut& cut) -> Coro<> {
      depth.set(1);
      int after = -1;
      auto body = []() -> Coro<> {
        co_await depth.with_value(3, []() -> Coro<> { co_await settle(3); });
        CHECK(depth.get() == 2);
      };
      auto victim = [&]() -> Coro<> {
        struct After {
          ~After() { seen = depth.get(); }
          int& seen;
        };
        const After at_the_end{after};
        co_await depth.with_value(2, body);
      };
      co_await cut.run(victim);
      CHECK((after == 1 || after == -1));  // -1: it never started
      CHECK(depth.get() == 1);
    });
    CHECK(cuts >= 3);
  }

  TEST_CASE("values cross loops in both directions, from many tasks at once") {
    LoopGroup group(3);
    std::atomic<int> wrong = 0;
    group.run([&](Loop&, std::size_t index) -> Coro<> {
      user.set(std::string(40, static_cast<char>('a' + index)));
      for (int i = 0; i < 100; ++i) {
        depth.set(i);
        auto there = [&](int number, std::string name) -> Coro<> {
          wrong += depth.get() == number && user.get() == name ? 0 : 1;
          user.set("changed there");
          co_return;
        };
        spawn(group[(index + 1) % 3], there, i, user.get());
        co_await run_on(group[(index + 2) % 3], there, i, user.get());
      }
    });
    CHECK(wrong == 0);
  }
}
