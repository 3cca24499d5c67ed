// The programs of docs/runtime/combining.md.
#include <chrono>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <simul/simul.hpp>
#include <simul/testing.hpp>

using namespace simul;
using namespace std::chrono_literals;

namespace {

template <typename Fn>
auto run_virtual(Fn fn) {
  VirtualClock clock;
  Loop loop(clock);
  return loop.run_until_complete(fn());
}

Coro<std::string> fetch(int page) {
  co_await sleep(std::chrono::seconds(page));
  if (page == 13) {
    throw std::runtime_error("no such page");
  }
  co_return "page " + std::to_string(page);
}

Coro<int> count_visitors() {
  co_await sleep(1s);
  co_return 7;
}

}  // namespace

TEST_SUITE("docs: combining") {
  TEST_CASE("gather") {
    run_virtual([]() -> Coro<> {
      // [gather]
      auto [page, visitors] = co_await gather(fetch(2), count_visitors());  // a tuple

      std::vector<Coro<std::string>> fetches;
      fetches.push_back(fetch(3));
      fetches.push_back(fetch(1));
      std::vector<std::string> pages = co_await gather(std::move(fetches));  // in the order given

      pages = co_await gather(std::views::iota(1, 5) | std::views::transform(fetch));
      // [/gather]
      CHECK(page == "page 2");
      CHECK(visitors == 7);
      CHECK(pages.size() == 4);

      // [gather-tasks]
      std::vector<Task<std::string>> running;
      for (int n : {1, 2, 3}) {
        running.push_back(spawn(fetch(n)));
      }
      co_await sleep(1s);                           // they run meanwhile
      pages = co_await gather(std::move(running));  // it owns them now
      // [/gather-tasks]
      CHECK(pages.size() == 3);
    });
  }

  TEST_CASE("settled") {
    std::vector<std::string> seen;
    run_virtual([&]() -> Coro<> {
      // [settled]
      auto outcomes =
          co_await gather_settled(std::views::iota(12, 15) | std::views::transform(fetch));
      for (const Settled<std::string>& outcome : outcomes) {
        seen.push_back(outcome ? *outcome : "failed: " + describe(outcome.error()));
      }
      // [/settled]
    });
    CHECK(seen == std::vector<std::string>{"page 12", "failed: no such page", "page 14"});
  }

  TEST_CASE("wait") {
    run_virtual([]() -> Coro<> {
      std::string first_page;
      // [wait]
      std::vector<Task<std::string>> tasks;
      for (int page : {3, 1, 2}) {
        tasks.push_back(spawn(fetch(page)));
      }
      auto [done, pending] = co_await wait(tasks, WaitFor::first_completed, 5s);
      for (std::size_t i : done) {
        first_page = co_await tasks[i];  // has ended: this doesn't cede
      }
      for (std::size_t i : pending) {
        tasks[i].cancel();  // wait itself cancels nothing
      }
      // [/wait]
      CHECK(first_page == "page 1");
    });
  }

  TEST_CASE("as_completed") {
    std::vector<std::string> order;
    run_virtual([&]() -> Coro<> {
      std::vector<Task<std::string>> tasks;
      for (int page : {3, 1, 2}) {
        tasks.push_back(spawn(fetch(page)));
      }
      // [as-completed]
      auto finished = as_completed(tasks);
      while (Task<std::string>* task = co_await finished.next()) {
        order.push_back(co_await *task);
      }
      // [/as-completed]
    });
    CHECK(order == std::vector<std::string>{"page 1", "page 2", "page 3"});
  }

  TEST_CASE("race") {
    run_virtual([]() -> Coro<> {
      std::string text;
      // [race]
      auto [winner, late] = co_await race(fetch(3), count_visitors());
      if (winner.index() == 0) {
        text = std::get<0>(winner);
      } else {
        text = std::to_string(std::get<1>(winner)) + " visitors";
      }
      // [/race]
      CHECK(text == "7 visitors");
      CHECK_FALSE(std::get<0>(late).has_value());
    });
  }
}
