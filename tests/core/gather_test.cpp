#include <simul/gather.hpp>

#include <chrono>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

template <typename T>
Coro<T> after(Duration wait, T value) {
  co_await sleep(wait);
  co_return value;
}

Coro<int> fails_after(Duration wait, std::string text) {
  co_await sleep(wait);
  throw std::runtime_error(text);
}

/// Sleeps until it is cancelled, then takes `grace` to clean up.
Coro<int> slow_to_end(Trace& trace, std::string word, Duration grace) {
  try {
    co_await sleep_forever();
  } catch (const Cancelled&) {
  }
  co_await shielded(1h, [&] { return sleep_for(grace); });
  trace(word);
  co_await yield_now();
  co_return 0;
}

/// The text of what `coro` throws.
template <typename T>
Coro<std::string> failure_of(Coro<T> coro) {
  try {
    (void)co_await std::move(coro);
  } catch (const Cancelled&) {
    throw;
  } catch (...) {
    co_return describe(std::current_exception());
  }
  co_return "";
}

}  // namespace

TEST_SUITE("gather") {
  TEST_CASE("gives a tuple of the results, in the order of the arguments") {
    run_virtual([]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      auto [number, text, nothing] =
          co_await gather(after(3s, 7), after(1s, std::string("seven")), sleep_for(2s));
      CHECK(number == 7);
      CHECK(text == "seven");
      static_assert(std::same_as<decltype(nothing), std::monostate>);
      CHECK(Loop::current().exact_now() - start == 3s);
    });
  }

  TEST_CASE("gives a vector for a vector, moving what can only be moved") {
    run_virtual([]() -> Coro<> {
      std::vector<Coro<std::unique_ptr<int>>> coros;
      for (int i = 0; i < 5; ++i) {
        coros.push_back([](int n) -> Coro<std::unique_ptr<int>> {
          co_await sleep(std::chrono::seconds(10 - n));
          co_return std::make_unique<int>(n);
        }(i));
      }
      const auto results = co_await gather(std::move(coros));
      REQUIRE(results.size() == 5);
      for (int i = 0; i < 5; ++i) {
        CHECK(*results[static_cast<std::size_t>(i)] == i);
      }
    });
  }

  TEST_CASE("takes what a view makes, references and nothing") {
    run_virtual([]() -> Coro<> {
      const std::vector<int> numbers{1, 2, 3};
      auto twice = [](int n) { return after(1s, n * 2); };
      CHECK(co_await gather(numbers | std::views::transform(twice)) == std::vector{2, 4, 6});

      int target = 0;
      auto refer = [&]() -> Coro<int&> { co_return target; };
      auto [reference] = co_await gather(refer());
      reference.get() = 9;
      CHECK(target == 9);

      std::vector<Coro<>> sleeps;
      sleeps.push_back(sleep_for(1s));
      static_assert(std::same_as<decltype(gather(std::move(sleeps))), Coro<>>);
      co_await gather(std::move(sleeps));
    });
  }

  TEST_CASE("of nothing gives nothing, without ceding") {
    run_virtual([]() -> Coro<> {
      bool other = false;
      spawn([&]() -> Coro<> {
        other = true;
        co_return;
      });
      CHECK((co_await gather(std::vector<Coro<int>>())).empty());
      CHECK((co_await gather(std::vector<Task<int>>())).empty());
      CHECK_FALSE(other);
    });
  }

  TEST_CASE("starts its children in order") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      auto say = [&](std::string word) -> Coro<> {
        trace(word);
        co_return;
      };
      co_await gather(say("a"), say("b"), say("c"));
    });
    CHECK(trace.text() == "a b c");
  }

  TEST_CASE("the first failure cancels the others, joins them, and is rethrown as itself") {
    const LogCapture log;
    Trace trace;
    run_virtual([&]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      CHECK(co_await failure_of(gather(slow_to_end(trace, "joined", 2s), fails_after(1s, "bad"),
                                       after(1h, 1))) == "bad");
      CHECK(Loop::current().exact_now() - start == 3s);
      CHECK(Loop::current().task_count() == 1);
    });
    CHECK(trace.text() == "joined");
    CHECK(log.count() == 0);
  }

  TEST_CASE("several failures become an ExceptionGroup, in the order in which they happened") {
    run_virtual([]() -> Coro<> {
      auto fails_in_cleanup = []() -> Coro<int> {
        try {
          co_await sleep_forever();
        } catch (const Cancelled&) {
        }
        throw std::runtime_error("later");
      };
      CHECK(co_await failure_of(gather(fails_in_cleanup(), fails_after(1s, "first"))) ==
            "2 failures: first; later");
    });
  }

  TEST_CASE("a failure while its own view makes the coroutines cancels those that were made") {
    int alive = 0;
    run_virtual([&]() -> Coro<> {
      const std::vector<int> numbers{1, 2, 3};
      auto make = [&](int n) -> Coro<int> {
        if (n == 3) {
          throw std::out_of_range("three");
        }
        return [](Witness) -> Coro<int> {
          co_await sleep_forever();
          co_return 0;
        }(Witness(alive));
      };
      CHECK(co_await failure_of(gather(numbers | std::views::transform(make))) == "three");
      CHECK(alive == 0);
      CHECK(Loop::current().task_count() == 1);
    });
  }

  TEST_CASE(
      "a coroutine that was started before is an error, and its siblings are not left behind") {
    run_virtual([]() -> Coro<> {
      Coro<int> used = after(0s, 1);
      (void)co_await std::move(used);
      CHECK((co_await failure_of(gather(after(1h, 2), std::move(used)))).starts_with("a Coro"));
      CHECK(Loop::current().task_count() == 1);
    });
  }

  TEST_CASE("a child that is cancelled by itself counts as failed") {
    run_virtual([]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      auto gives_up = []() -> Coro<int> {
        (co_await detail::this_task).cancel("had enough");
        co_await sleep(1s);
        co_return 1;
      };
      CHECK(co_await failure_of(gather(after(1h, 2), gives_up())) == "cancelled: had enough");
      CHECK(Loop::current().exact_now() == start);
    });
  }

  TEST_CASE("cancelling it cancels and joins all") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      Task<> task = spawn([&]() -> Coro<> {
        const std::string reason = co_await [](Trace& t) -> Coro<std::string> {
          try {
            (void)co_await gather(slow_to_end(t, "a", 1s), slow_to_end(t, "b", 2s));
          } catch (const Cancelled& cancelled) {
            co_return cancelled.reason();
          }
          co_return "";
        }(trace);
        trace(reason);
      });
      co_await sleep(1s);
      task.cancel("enough");
      co_await task;
    });
    CHECK(trace.text() == "a b enough");
  }

  TEST_CASE("inside of a deadline it is cut off with its children") {
    run_virtual([]() -> Coro<> {
      auto both = []() -> Coro<> { (void)co_await gather(after(1s, 1), after(3s, 2)); };
      CHECK_THROWS_AS(co_await fail_after(2s, both), TimedOut);
      CHECK(Loop::current().task_count() == 1);
      CHECK(co_await move_on_after(4s, both));
    });
  }

  TEST_CASE("inside of a shield its children are protected too") {
    run_virtual([]() -> Coro<> {
      int sum = 0;
      Task<> task = spawn([&]() -> Coro<> {
        co_await shielded(1h, [&]() -> Coro<> {
          auto [a, b] = co_await gather(after(1s, 1), after(2s, 2));
          sum = a + b;
        });
      });
      co_await yield_now();
      task.cancel();
      co_await task;
      CHECK(sum == 3);
    });
  }

  TEST_CASE("results that are all there win over a cancellation, and the next await throws") {
    run_virtual([]() -> Coro<> {
      int sum = 0;
      bool thrown = false;
      Task<> task;
      auto cancels = [&]() -> Coro<int> {
        co_await yield_now();
        task.cancel("too late");
        co_return 2;
      };
      task = spawn([&]() -> Coro<> {
        auto [a, b] = co_await gather(after(0s, 1), cancels());
        sum = a + b;
        try {
          co_await yield_now();
        } catch (const Cancelled&) {
          thrown = true;
        }
      });
      co_await task;
      CHECK(sum == 3);
      CHECK(thrown);
    });
  }

  TEST_CASE("tasks that run already can be handed over") {
    run_virtual([]() -> Coro<> {
      std::vector<Task<int>> tasks;
      for (int i = 0; i < 3; ++i) {
        tasks.push_back(spawn(after(std::chrono::seconds(3 - i), i)));
      }
      co_await sleep(1s);
      CHECK(co_await gather(std::move(tasks)) == std::vector{0, 1, 2});

      Task<int> number = spawn(after(1s, 4));
      Task<std::string> text = spawn(after(2s, std::string("four")));
      auto [n, t] = co_await gather(std::move(number), std::move(text));
      CHECK(n == 4);
      CHECK(t == "four");
      Task<> work = spawn(sleep_for(1s));
      co_await gather(std::move(work));
    });
  }

  TEST_CASE("of tasks too the first failure cancels the others and joins them") {
    const LogCapture log;
    Trace trace;
    run_virtual([&]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      std::vector<Task<int>> tasks;
      tasks.push_back(spawn(slow_to_end(trace, "joined", 2s)));
      tasks.push_back(spawn(fails_after(1s, "bad")));
      tasks.push_back(spawn(fails_after(1s, "too")));
      tasks.push_back(spawn(after(1h, 1)));
      CHECK(co_await failure_of(gather(std::move(tasks))) == "2 failures: bad; too");
      CHECK(Loop::current().exact_now() - start == 3s);
      CHECK(Loop::current().task_count() == 1);

      Task<int> failed = spawn(fails_after(0s, "before"));
      Task<int> cancelled = spawn(after(1h, 1));
      co_await sleep(1s);
      CHECK(co_await failure_of(gather(std::move(failed), spawn(after(1h, 1)))) == "before");
      cancelled.cancel("by hand");
      CHECK(co_await failure_of(gather(spawn(after(1h, 1)), std::move(cancelled))) ==
            "cancelled: by hand");
      CHECK(Loop::current().task_count() == 1);
    });
    CHECK(trace.text() == "joined");
    CHECK(log.count() == 0);
  }

  TEST_CASE("cancelling it cancels and joins tasks that were handed over, even before it began") {
    for (const bool before : {false, true}) {
      CAPTURE(before);
      Trace trace;
      run_virtual([&]() -> Coro<> {
        std::vector<Task<int>> tasks;
        tasks.push_back(spawn(slow_to_end(trace, "a", 1s)));
        tasks.push_back(spawn(slow_to_end(trace, "b", 2s)));
        co_await yield_now();
        Task<> task = spawn([&]() -> Coro<> {
          if (before) {
            (co_await detail::this_task).cancel("enough");
          }
          (void)co_await gather(std::move(tasks));
          trace("never");
        });
        co_await sleep(1s);
        task.cancel("enough");
        CHECK_THROWS_AS(co_await task, TaskCancelled);
        trace("after");
        CHECK(Loop::current().task_count() == 1);
      });
      CHECK(trace.text() == "a b after");
    }
  }

  TEST_CASE("an empty handle, and the task that waits, are errors") {
    run_virtual([]() -> Coro<> {
      std::vector<Task<int>> tasks(2);
      CHECK((co_await failure_of(gather(std::move(tasks)))).starts_with("a Task that is empty"));
      CHECK((co_await failure_of(gather(Task<int>(), spawn(after(0s, 1)))))
                .starts_with("a Task that is empty"));
      std::string text;
      Task<> itself;
      itself = spawn([&]() -> Coro<> { text = co_await failure_of(gather(std::move(itself))); });
      co_await settle();
      CHECK(text == "a task can't wait for itself");
    });
  }

  TEST_CASE("cancelled everywhere, no child is left behind, and what was done is known") {
    const std::size_t rounds = cancel_everywhere([](Cut& cut) -> Coro<> {
      int alive = 0;
      int begun = 0;
      int finished = 0;
      int cut_off = 0;
      std::vector<int> results;
      auto child = [&](Witness, int n) -> Coro<int> {
        ++begun;
        try {
          for (int i = 0; i < n; ++i) {
            co_await yield_now();
          }
          co_await sleep(std::chrono::seconds(n));
        } catch (const Cancelled&) {
          ++cut_off;
          throw;
        }
        ++finished;
        co_return n;
      };
      const bool ended = co_await cut.run([&]() -> Coro<> {
        std::vector<Coro<int>> coros;
        for (int i = 0; i < 4; ++i) {
          coros.push_back(child(Witness(alive), i));
        }
        results = co_await gather(std::move(coros));
      });
      CHECK(alive == 0);
      CHECK(Loop::current().task_count() == 1);
      CHECK(begun == finished + cut_off);
      CHECK(ended == (results == std::vector{0, 1, 2, 3}));
      CHECK((!ended || finished == 4));
      co_await sleep(1s);  // the others go on
    });
    CHECK(rounds > 10);
  }

  TEST_CASE("cancelled everywhere, tasks that were handed over are joined") {
    cancel_everywhere([](Cut& cut) -> Coro<> {
      int alive = 0;
      int finished = 0;
      int cut_off = 0;
      bool handed_over = false;
      bool whole = false;
      auto work = [&](Witness, int n) -> Coro<> {
        try {
          co_await sleep(std::chrono::seconds(n));
        } catch (const Cancelled&) {
          ++cut_off;
          throw;
        }
        ++finished;
      };
      std::vector<Task<>> tasks;
      for (int i = 0; i < 4; ++i) {
        tasks.push_back(spawn(work, Witness(alive), i));
      }
      co_await yield_now();
      const bool ended = co_await cut.run([&]() -> Coro<> {
        handed_over = true;
        co_await gather(std::move(tasks));
        whole = true;
      });
      if (handed_over) {
        CHECK(alive == 0);
        CHECK(finished + cut_off == 4);
        CHECK((!ended || finished == 4));
        CHECK(Loop::current().task_count() == 1);
      } else {
        CHECK(tasks.size() == 4);
        co_await gather(std::move(tasks));
        CHECK(finished == 4);
      }
      CHECK((!ended || whole));
    });
  }

  TEST_CASE("a hundred thousand children take linear time, to end and to be cancelled") {
    run_virtual([]() -> Coro<> {
      constexpr int kMany = 100'000;
      const auto numbers = std::views::iota(0, kMany);
      auto value = [](int n) { return after(std::chrono::milliseconds(n % 97), n); };
      const std::vector<int> results = co_await gather(numbers | std::views::transform(value));
      REQUIRE(results.size() == kMany);
      CHECK(results.back() == kMany - 1);

      auto never = [](int) { return after(1h, 0); };
      const auto fewer = std::views::iota(0, kMany / 10);  // a throw is dear under a sanitizer
      const bool in_time = co_await move_on_after(
          1s, [&]() -> Coro<> { (void)co_await gather(fewer | std::views::transform(never)); });
      CHECK_FALSE(in_time);
      CHECK(Loop::current().task_count() == 1);
    });
  }
}
