#include "task_walk.hpp"

#include <optional>
#include <set>
#include <vector>

#include <doctest/doctest.h>

#include <simul/call_graph.hpp>
#include <simul/event.hpp>
#include <simul/loop.hpp>
#include <simul/sleep.hpp>
#include <simul/task_group.hpp>

using namespace simul;
using detail::TaskBase;
using detail::TaskWalk;

namespace {

/// Visits one task; gives its name, or nothing at the end.
std::optional<std::string> one(TaskWalk& walk) {
  std::optional<std::string> name;
  walk.go_on(1, [&](const TaskBase& task) { name = std::string(task.name()); });
  return name;
}

std::vector<std::string> rest(TaskWalk& walk) {
  std::vector<std::string> names;
  while (auto name = one(walk)) {
    names.push_back(*name);
  }
  return names;
}

Coro<> wait_for(Event& event) { co_await event.wait(); }

Task<> waiting(TaskGroup& group, Event& event, std::string name) {
  Task<> task = group.spawn(wait_for(event));
  task.set_name(std::move(name));
  return task;
}

}  // namespace

TEST_CASE("a walk meets every task once, those of groups inside of groups as well") {
  run([]() -> Coro<> {
    Event end;
    AnyTask self = current_task();
    auto body = [&](TaskGroup& outer) -> Coro<> {
      waiting(outer, end, "a");
      auto nested = [&]() -> Coro<> {
        auto inside = [&](TaskGroup& inner) -> Coro<> {
          waiting(inner, end, "b");
          waiting(inner, end, "c");
          co_return;
        };
        co_await with_group(inside);
      };
      outer.spawn(nested).set_name("nested");
      co_await yield_now();
      TaskWalk walk(Loop::current());
      const std::vector<std::string> names = rest(walk);
      CHECK(std::multiset<std::string>(names.begin(), names.end()) ==
            std::multiset<std::string>{"", "a", "b", "c", "nested"});
      CHECK_FALSE(one(walk));
      end.set();
    };
    co_await with_group(body);
  }());
}

TEST_CASE("a walk goes on behind tasks that end meanwhile, also the one where it stands") {
  run([]() -> Coro<> {
    auto body = [&](TaskGroup& group) -> Coro<> {
      Event end;
      std::vector<Task<>> tasks;
      for (const char* name : {"a", "b", "c", "d"}) {
        tasks.push_back(waiting(group, end, name));  // the last one is met first
      }
      co_await yield_now();
      TaskWalk walk(Loop::current());
      CHECK(one(walk) == "");
      CHECK(one(walk) == "d");
      for (const std::size_t index : {3, 2}) {
        tasks[index].cancel();
        while (!tasks[index].done()) {
          co_await yield_now();
        }
      }
      waiting(group, end, "late");
      CHECK(rest(walk) == std::vector<std::string>{"b", "a"});
      end.set();
    };
    co_await with_group(body);
  }());
}

TEST_CASE("a walk that stands in a group goes on behind it when the group ends") {
  run([]() -> Coro<> {
    auto body = [&](TaskGroup& outer) -> Coro<> {
      Event end;
      Event end_of_inner;
      waiting(outer, end, "a");
      auto nested = [&]() -> Coro<> {
        auto inside = [&](TaskGroup& inner) -> Coro<> {
          waiting(inner, end_of_inner, "b");
          waiting(inner, end_of_inner, "c");
          co_return;
        };
        co_await with_group(inside);
      };
      Task<> group = outer.spawn(nested);
      group.set_name("nested");
      co_await yield_now();
      TaskWalk first(Loop::current());
      TaskWalk second(Loop::current());
      for (const char* name : {"", "nested", "c"}) {
        CHECK(one(first) == name);
        CHECK(one(second) == name);
      }
      end_of_inner.set();
      co_await group;
      CHECK(rest(first) == std::vector<std::string>{"a"});
      CHECK(rest(second) == std::vector<std::string>{"a"});
      end.set();
    };
    co_await with_group(body);
  }());
}

TEST_CASE("a walk outlives the tasks and the loop") {
  std::optional<TaskWalk> walk;
  {
    Loop loop;
    loop.run_until_complete([](auto& there) -> Coro<> {
      there.emplace(Loop::current());
      co_return;
    }(walk));
    CHECK_FALSE(one(*walk));
  }
  CHECK_FALSE(one(*walk));
}

TEST_CASE("cancelling reaches tasks past a walk that stands among them") {
  run([]() -> Coro<> {
    auto body = [&](TaskGroup& group) -> Coro<> {
      Event never;
      waiting(group, never, "a");
      waiting(group, never, "b");
      co_await yield_now();
      TaskWalk walk(Loop::current());
      CHECK(one(walk) == "");
      CHECK(one(walk) == "b");
      group.cancel();
      auto shield = [&]() -> Coro<> {
        while (group.size() > 0) {
          co_await yield_now();
        }
      };
      co_await shielded(std::chrono::hours(1), shield);
      CHECK(rest(walk).empty());
    };
    co_await with_group(body);
  }());
}

TEST_CASE("visit_tasks lets others run between its steps") {
  run([]() -> Coro<> {
    auto body = [&](TaskGroup& group) -> Coro<> {
      Event end;
      for (int i = 0; i < 200; ++i) {
        waiting(group, end, "waiting");
      }
      int turns = 0;
      auto count = [&]() -> Coro<> {
        for (;; ++turns) {
          co_await yield_now();
        }
      };
      Task<> counter = group.spawn(count);
      co_await yield_now();
      const int before = turns;
      std::size_t met = 0;
      co_await visit_tasks([&](const TaskInfo& task) { met += task.name == "waiting" ? 1 : 0; });
      CHECK(met == 200);
      CHECK(turns - before >= 5);
      counter.cancel();
      end.set();
    };
    co_await with_group(body);
  }());
}
