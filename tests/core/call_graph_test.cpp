#include <simul/call_graph.hpp>

#include <chrono>
#include <thread>
#include <vector>

#include <simul/event.hpp>
#include <simul/gather.hpp>
#include <simul/lock.hpp>
#include <simul/testing/memory_stream.hpp>

#include "function_label.hpp"
#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

Coro<> wait_for(Event& event) { co_await event.wait(); }
Coro<> worker(Event& event) { co_await wait_for(event); }

Coro<> join(Task<>& task) { co_await task; }

std::source_location here(std::source_location site = std::source_location::current()) {
  return site;
}

template <typename T>
std::source_location in_template(T) {
  return here();
}

struct Named {
  [[nodiscard]] std::source_location method(int) const { return here(); }
  std::source_location operator()(int (*)(void)) { return here(); }
  std::source_location operator<(int) { return here(); }
  std::source_location operator->*(std::vector<int>) { return here(); }
};

/// Each in a group of the one before, which waits for it; the graph of the innermost.
Coro<> nested(int depth, CallGraph& graph) {
  if (depth == 0) {
    graph = call_graph();
    co_return;
  }
  auto body = [&](TaskGroup& group) -> Coro<> {
    Task<> child = group.spawn(nested(depth - 1, graph));
    co_await child;
  };
  co_await with_group(body);
}

std::size_t size_of(const CallGraph& graph) {
  std::size_t size = 1;
  for (const CallGraph& waiter : graph.awaited_by) {
    size += size_of(waiter);
  }
  return size;
}

}  // namespace

TEST_SUITE("call graph") {
  TEST_CASE("a function's label is its name alone") {
    CHECK(function_label(in_template(1)) == "in_template");
    CHECK(function_label(Named().method(1)) == "method");
    CHECK(function_label(Named()(nullptr)) == "operator()");
    CHECK(function_label(Named() < 1) == "operator<");
    CHECK(function_label(Named().operator->*({})) == "operator->*");
    auto lambda = [](std::string_view) { return here(); };
    CHECK(function_label(lambda("")).starts_with("lambda in DOCTEST_ANON_FUNC"));
    auto outer = [](int) {
      auto inner = [] { return here(); };
      return inner();
    };
    CHECK(function_label(outer(1)).starts_with("lambda in DOCTEST_ANON_FUNC"));
  }

  TEST_CASE(
      "a qualified name is found behind any return type and before any template's arguments") {
    using detail::qualified_name;
    CHECK(qualified_name("Coro<std::vector<int (*)(char)>> app::Server<T>::serve(int (&)[3]) const "
                         "[T = Coro<int> (*)(int)]") == "app::Server<T>::serve");
    CHECK(qualified_name("int main()") == "main");
    CHECK(qualified_name("").empty());
    CHECK(qualified_name("(").empty());
    CHECK(qualified_name("]").empty());
  }

  TEST_CASE("a waiting task shows its coroutines, the innermost first, and what it waits for") {
    run_virtual([]() -> Coro<> {
      Event event;
      Task<> task = spawn(worker(event));
      TaskInfo info = task_info(task);
      CHECK(info.name == "worker_task");
      CHECK(info.activity == TaskActivity::ready);
      CHECK(info.waits_for.empty());
      REQUIRE(info.calls.size() == 1);  // it hasn't begun: this is its function
      CHECK(function_label(info.calls[0]) == "worker");
      CHECK(info.wake_ups == 0);
      co_await sleep(3s);
      info = task_info(task);
      CHECK(info.activity == TaskActivity::waiting);
      CHECK(info.waits_for == "event");
      REQUIRE(info.calls.size() == 2);
      CHECK(function_label(info.calls[0]) == "wait_for");
      CHECK(function_label(info.calls[1]) == "worker");
      CHECK(place(info.calls[0]).starts_with("call_graph_test.cpp:"));
      CHECK(info.wake_ups == 1);
      CHECK(info.since >= 2900ms);
      CHECK(info.since <= 3100ms);
      CHECK(info.frame_bytes > 100);
      event.set();
      co_await task;
    });
  }

  TEST_CASE("a call graph leads from a task to all that wait for it") {
    run_virtual([]() -> Coro<> {
      Event event;
      Task<> task = spawn(worker(event));
      Task<> first = spawn(join(task));
      Task<> second = spawn(join(task));
      second.set_name("the second");
      co_await sleep(1ms);
      const CallGraph graph = call_graph(task);
      REQUIRE(graph.awaited_by.size() == 2);
      CHECK(graph.awaited_by[0].task.name == "join_task");
      CHECK(graph.awaited_by[0].task.waits_for == "task worker_task");
      CHECK(graph.awaited_by[0].task.awaited == graph.task.id);
      CHECK(graph.awaited_by[1].task.name == "the second");
      const std::string text = to_string(graph);
      CHECK(text.find("worker_task\n  worker() at call_graph_test.cpp:") == 0);
      CHECK(text.find("    the second\n") != std::string::npos);
      event.set();
      co_await first;
      co_await second;
      CHECK_THROWS_AS(static_cast<void>(call_graph(task)), std::logic_error);
    });
  }

  TEST_CASE("a task of a group is the child of the task that opened the group") {
    run_virtual([]() -> Coro<> {
      const std::uintptr_t self = call_graph().task.id;
      Event event;
      auto body = [&](TaskGroup& group) -> Coro<> {
        Task<> child = group.spawn(worker(event));
        co_await sleep(1ms);
        CHECK(task_info(child).parent == self);
        CHECK(call_graph(child).awaited_by.size() == 1);
        const std::string tree = to_string(task_infos(Loop::current()));
        CHECK(tree.find("\n  worker_task\n    worker() at") != std::string::npos);
        event.set();
      };
      co_await with_group(body);
    });
  }

  TEST_CASE("tasks that wait for each other don't make it endless") {
    run_virtual([]() -> Coro<> {
      Task<> left;
      Task<> right;
      left = spawn(join(right));
      right = spawn(join(left));
      co_await yield_now();
      const CallGraph graph = call_graph(left);
      REQUIRE(graph.awaited_by.size() == 1);
      CHECK(graph.awaited_by[0].awaited_by.empty());
      left.cancel();
      right.cancel();
    });
  }

  TEST_CASE("who waits for a lock waits for the task that has it") {
    run_virtual([]() -> Coro<> {
      Lock lock;
      auto take = [&]() -> Coro<> { const Lock::Guard guard = co_await lock.lock(); };
      Lock::Guard guard = co_await lock.lock();
      Task<> waiter = spawn(take);
      co_await yield_now();
      CHECK(task_info(waiter).awaited == call_graph().task.id);
      guard = {};
      co_await waiter;
    });
  }

  TEST_CASE("a task that waits for its children stands once in the graph, however deep they are") {
    CallGraph graph;
    run_virtual([&]() -> Coro<> { co_await nested(40, graph); });
    CHECK(size_of(graph) == 41);
  }

  TEST_CASE("a graph ends a thousand waiters away") {
    CallGraph graph;
    run_virtual([&]() -> Coro<> { co_await nested(5'000, graph); });
    CHECK(size_of(graph) == 1'001);
  }

  TEST_CASE("a part of the tasks is shown without the rest") {
    TaskInfo child;
    child.id = 2;
    child.parent = 1;
    child.name = "child";
    CHECK(to_string(std::vector{child}).starts_with("child\n"));
  }

  TEST_CASE("the text of many tasks in each other is as long as they are many") {
    std::vector<TaskInfo> tasks;
    for (std::uintptr_t id = 1; id <= 2'000; ++id) {
      tasks.emplace_back();
      tasks.back().id = id;
      tasks.back().parent = id - 1;
    }
    CHECK(to_string(tasks).size() < 1'000'000);
  }

  TEST_CASE("the time of a callback is not that of the task whose step follows") {
    constexpr Duration kBusy = 50ms;
    VirtualClock clock;
    Loop loop(clock);
    loop.count_time(true);
    const auto begin = std::chrono::steady_clock::now();
    auto main = [&]() -> Coro<> {
      loop.call_soon([&] { std::this_thread::sleep_for(kBusy); });
      co_await yield_now();
      co_await yield_now();
      CHECK(call_graph().task.times->busy + kBusy <= std::chrono::steady_clock::now() - begin);
    };
    loop.run_until_complete(main());
  }

  TEST_CASE("time is counted per task when it is asked for, and no longer") {
    VirtualClock clock;
    Loop loop(clock);
    auto main = [&]() -> Coro<> {
      Event event;
      Task<> task = spawn(worker(event));
      co_await sleep(1ms);
      CHECK(!task_info(task).times);
      loop.count_time(true);
      loop.count_time(true);
      co_await sleep(1ms);
      co_await sleep(1ms);            // a step counts when it has ended
      CHECK(!task_info(task).times);  // it has made no step since
      CHECK(call_graph().task.times);
      CHECK(call_graph().task.times->busy > Duration::zero());
      loop.count_time(false);
      co_await sleep(1ms);
      const Duration busy = call_graph().task.times->busy;
      co_await sleep(1ms);
      CHECK(call_graph().task.times->busy == busy);
      event.set();
      co_await task;
    };
    loop.run_until_complete(main());
  }
}

TEST_SUITE("mistakes") {
  TEST_CASE("a coroutine that is dropped without having run is reported, with its place") {
    const LogCapture log;
    Event event;
    {
      const Coro<> dropped = worker(event);
    }
    REQUIRE(log.count() == 1);
    CHECK(log.all().find("warning: coroutine worker() of call_graph_test.cpp:") == 0);
    CHECK(log.all().find("was never awaited") != std::string::npos);
  }

  TEST_CASE("but not if an exception is why, nor one that was moved or spawned") {
    const LogCapture log;
    Event event;
    auto fail = [&] {
      const Coro<> dropped = worker(event);
      throw std::runtime_error("on the way");
    };
    CHECK_THROWS_AS(fail(), std::runtime_error);
    run_virtual([&]() -> Coro<> {
      Coro<> first = worker(event);
      Coro<> second = std::move(first);
      event.set();
      co_await spawn(std::move(second));
    });
    CHECK(log.count() == 0);
  }

  TEST_CASE("nor one that was given to a coroutine that has failed, or was cancelled") {
    const LogCapture log;
    run_virtual([&]() -> Coro<> {
      Event event;
      auto failing = [](Coro<> given) -> Coro<> {
        throw std::runtime_error("not now");
        co_await std::move(given);
      };
      bool failed = false;
      try {
        co_await failing(worker(event));
      } catch (const std::runtime_error&) {
        failed = true;
      }
      CHECK(failed);
      auto waiting = [](Coro<> given) -> Coro<> {
        co_await sleep(1h);
        co_await std::move(given);
      };
      auto cut_off = [&]() -> Coro<> { co_await waiting(worker(event)); };
      const bool in_time = co_await move_on_after(1s, cut_off);
      CHECK(!in_time);
      Task<> never_begun = spawn(waiting(worker(event)));
      never_begun.cancel();
    });
    CHECK(log.count() == 0);
  }

  TEST_CASE("a send that is never awaited is reported: it has sent nothing") {
    const LogCapture log;
    run_virtual([&]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      {
        [[maybe_unused]] auto forgotten = near.send("hello");
      }
      co_await near.send("hello");
      Chunk chunk = (co_await far.recv()).value();
      CHECK(chunk.size() == 5);
    });
    REQUIRE(log.count() == 1);
    CHECK(log.all().find("warning: a send() was never awaited in lambda in") == 0);
  }
}

TEST_SUITE("deadlock") {
  TEST_CASE("a loop that has had timers is found to be stuck like any other") {
    Loop loop;
    auto main = []() -> Coro<> {
      co_await sleep(1ms);
      co_await move_on_after(1h, []() -> Coro<> { co_await sleep(1ms); });
      Event never;
      co_await never.wait();
    };
    std::vector<std::string> reports;
    set_log_sink([&](LogLevel, std::string_view text) {
      reports.emplace_back(text);
      loop.post([] {
        for (AnyTask task : all_tasks()) {
          task.cancel();
        }
      });
    });
    CHECK_THROWS_AS(loop.run_until_complete(main()), TaskCancelled);
    set_log_sink({});
    REQUIRE(reports.size() == 1);
    CHECK(reports[0].contains("waits for event"));
  }

  TEST_CASE("tasks that wait for each other are reported with the ring that they make") {
    const LogCapture log;
    VirtualClock clock;
    Loop loop(clock);
    auto main = [&]() -> Coro<> {
      Lock first;
      Lock second;
      auto take = [](Lock& one, Lock& other) -> Coro<> {
        const Lock::Guard guard = co_await one.lock();
        co_await sleep(1s);
        const Lock::Guard both = co_await other.lock();
      };
      Task<> left = spawn(take, std::ref(first), std::ref(second));
      Task<> right = spawn(take, std::ref(second), std::ref(first));
      left.set_name("left");
      right.set_name("right");
      co_await left;
    };
    std::vector<std::string> reports;
    set_log_sink([&](LogLevel, std::string_view text) {
      reports.emplace_back(text);
      loop.post([] {
        for (AnyTask task : all_tasks()) {
          task.cancel();
        }
      });
    });
    CHECK_THROWS_AS(loop.run_until_complete(main()), TaskCancelled);
    set_log_sink({});
    REQUIRE(reports.size() == 1);
    CHECK(
        reports[0].starts_with("deadlock: 3 tasks wait, and nothing on their loop can wake them"));
    const bool found =
        reports[0].find("\na ring: left waits for right waits for left\n") != std::string::npos ||
        reports[0].find("\na ring: right waits for left waits for right\n") != std::string::npos;
    CHECK(found);
    CHECK(reports[0].find("lock of left") != std::string::npos);
  }
}
