#include <simul/priority_channel.hpp>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <simul/lifo_channel.hpp>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

struct Job {
  int urgency;
  int number;
};

struct ByUrgency {
  bool operator()(const Job& a, const Job& b) const { return a.urgency < b.urgency; }
};

template <typename T>
std::vector<T> take_all(const Receiver<T>& receiver) {
  std::vector<T> items;
  while (auto item = receiver.try_recv()) {
    items.push_back(*std::move(item));
  }
  return items;
}

}  // namespace

TEST_SUITE("priority_channel") {
  TEST_CASE("the smallest comes first") {
    auto [sender, receiver] = priority_channel<int>(8);
    for (const int item : {5, 1, 4, 2, 3}) {
      CHECK(sender.try_send(item).has_value());
    }
    CHECK(take_all(receiver) == std::vector<int>{1, 2, 3, 4, 5});
  }

  TEST_CASE("equal ones keep their order") {
    auto [sender, receiver] = priority_channel<Job>(100, ByUrgency());
    std::mt19937 random(1);
    for (int i = 0; i < 100; ++i) {
      CHECK(sender.try_send(Job{static_cast<int>(random() % 4), i}).has_value());
    }
    const std::vector<Job> jobs = take_all(receiver);
    CHECK(jobs.size() == 100);
    CHECK(std::ranges::is_sorted(jobs, [](const Job& a, const Job& b) {
      return std::pair(a.urgency, a.number) < std::pair(b.urgency, b.number);
    }));
  }

  TEST_CASE("any order by a comparison, and move-only items") {
    auto before = [](const std::unique_ptr<int>& a, const std::unique_ptr<int>& b) {
      return *a > *b;
    };
    auto [sender, receiver] = priority_channel<std::unique_ptr<int>>(4, before);
    for (const int item : {2, 3, 1}) {
      CHECK(sender.try_send(std::make_unique<int>(item)).has_value());
    }
    CHECK(**receiver.try_recv() == 3);
    CHECK(**receiver.try_recv() == 2);
    receiver = {};  // with one item left
    CHECK(sender.closed());
  }

  TEST_CASE("who waits for room takes turns, and joins the order when it is its turn") {
    run_virtual([]() -> Coro<> {
      auto [sender, receiver] = priority_channel<int>(2);
      Task<> task = spawn(
          [](Sender<int> to) -> Coro<> {
            for (const int item : {5, 6, 9, 1, 2}) {
              CHECK((co_await to.send(item)).has_value());
            }
          },
          sender);
      co_await settle();
      std::vector<int> got;
      for (int i = 0; i < 5; ++i) {
        got.push_back(*co_await receiver.recv());
        co_await settle();
      }
      CHECK(got == std::vector<int>{5, 6, 1, 2, 9});
    });
  }

  TEST_CASE("without room there is no order") {
    CHECK_THROWS_AS((void)priority_channel<int>(0), std::invalid_argument);
    CHECK_THROWS_AS((void)lifo_channel<int>(0), std::invalid_argument);
  }

  TEST_CASE("cut anywhere, each item arrives once") {
    cancel_everywhere([](Cut& cut) -> Coro<> {
      auto [sender, receiver] = priority_channel<int>(2);
      Task<> producer = spawn(
          [](Sender<int> to) -> Coro<> {
            for (const int item : {3, 1, 2, 0, 5, 4}) {
              (void)co_await to.send(item);
            }
          },
          std::move(sender));
      std::vector<int> got;
      auto consume = [&]() -> Coro<> {
        while (auto item = co_await receiver.recv()) {
          got.push_back(*item);
        }
      };
      co_await cut.run(consume);
      co_await consume();
      co_await producer;
      std::ranges::sort(got);
      CHECK(got == std::vector<int>{0, 1, 2, 3, 4, 5});
    });
  }
}

TEST_SUITE("lifo_channel") {
  TEST_CASE("the latest comes first") {
    run_virtual([]() -> Coro<> {
      auto [sender, receiver] = lifo_channel<std::string>(3);
      for (const char* item : {"a", "b", "c"}) {
        CHECK(sender.try_send(item).has_value());
      }
      Task<> task = spawn(
          [](Sender<std::string> to) -> Coro<> { CHECK((co_await to.send("d")).has_value()); },
          sender);
      co_await settle();
      CHECK(take_all(receiver) == std::vector<std::string>{"c", "d", "b", "a"});
      CHECK(sender.try_send("e").has_value());
      receiver = {};
      co_await task;
    });
  }

  TEST_CASE("cut anywhere, each item arrives once") {
    cancel_everywhere([](Cut& cut) -> Coro<> {
      auto [sender, receiver] = lifo_channel<int>(2);
      int next = 0;
      std::vector<int> got;
      Task<> consumer = spawn(
          [](Receiver<int> from, std::vector<int>& items) -> Coro<> {
            while (auto item = co_await from.recv()) {
              items.push_back(*item);
              co_await yield_now();
            }
          },
          std::move(receiver), std::ref(got));
      auto produce = [&]() -> Coro<> {
        while (next < 8) {
          (void)co_await sender.send(next);
          ++next;
        }
      };
      co_await cut.run(produce);
      co_await produce();
      sender = {};
      co_await consumer;
      std::ranges::sort(got);
      CHECK(got == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7});
    });
  }
}
