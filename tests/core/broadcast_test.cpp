#include <simul/broadcast.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

Coro<std::string> hear_all(BroadcastReceiver<int> receiver) {
  Trace trace;
  while (auto item = co_await receiver.recv()) {
    trace(std::to_string(item->value) +
          (item->missed > 0 ? "(-" + std::to_string(item->missed) + ")" : ""));
  }
  co_return trace.text();
}

}  // namespace

TEST_SUITE("broadcast") {
  TEST_CASE("every receiver gets what is sent after it subscribed") {
    run_virtual([]() -> Coro<> {
      auto [sender, receiver] = broadcast<int>(8);
      CHECK(sender.send(1) == 1);
      Task<std::string> first = spawn(hear_all(std::move(receiver)));
      Task<std::string> second = spawn(hear_all(sender.subscribe()));
      CHECK(sender.receivers() == 2);
      CHECK(sender.send(2) == 2);
      co_await settle();
      CHECK(sender.send(3) == 2);
      sender = {};
      CHECK(co_await first == "1 2 3");
      CHECK(co_await second == "2 3");
    });
  }

  TEST_CASE("a slow receiver is told how many it missed and goes on with the oldest that is kept") {
    run_virtual([]() -> Coro<> {
      auto [sender, receiver] = broadcast<int>(3);
      for (int i = 1; i <= 3; ++i) {
        sender.send(i);
      }
      CHECK(receiver.try_recv()->value == 1);
      for (int i = 4; i <= 9; ++i) {
        sender.send(i);
      }
      sender.close();
      CHECK(sender.send(10) == 0);
      CHECK(co_await hear_all(std::move(receiver)) == "7(-5) 8 9");
    });
  }

  TEST_CASE("without a receiver nothing is kept") {
    int alive = 0;
    auto [sender, receiver] = broadcast<Witness>(2);
    receiver = {};
    CHECK(sender.send(Witness(alive)) == 0);
    CHECK(alive == 0);
    auto late = sender.subscribe();
    CHECK(late.try_recv().error() == Errc::would_block);
    CHECK(sender.send(Witness(alive)) == 1);
    CHECK(sender.send(Witness(alive)) == 1);
    CHECK(sender.send(Witness(alive)) == 1);
    CHECK(alive == 2);
    CHECK(late.try_recv()->missed == 1);
    sender = {};
    late = {};
    CHECK(alive == 0);
  }

  TEST_CASE("an item that is overwritten may hold the last end of its own channel") {
    struct News {
      std::shared_ptr<BroadcastReceiver<News>> end;
    };
    auto [sender, receiver] = broadcast<News>(1);
    sender.send({std::make_shared<BroadcastReceiver<News>>(sender.subscribe())});
    CHECK(sender.receivers() == 2);
    sender.send({});
    CHECK(sender.receivers() == 1);
  }

  TEST_CASE("the last sender's end, or close, wakes everybody; what is left can be received") {
    run_virtual([]() -> Coro<> {
      for (const bool drop : {false, true}) {
        auto [sender, receiver] = broadcast<int>(2);
        BroadcastSender<int> copy = sender;
        sender = {};
        Task<std::string> first = spawn(hear_all(std::move(receiver)));
        Task<std::string> second = spawn(hear_all(copy.subscribe()));
        co_await settle();
        CHECK_FALSE(first.done());
        copy.send(1);
        drop ? void(copy = {}) : copy.close();
        CHECK(co_await first == "1");
        CHECK(co_await second == "1");
      }
    });
  }

  TEST_CASE("a receiver belongs to one task at a time") {
    run_virtual([]() -> Coro<> {
      auto [sender, receiver] = broadcast<int>(2);
      Task<> first = spawn(
          [](BroadcastReceiver<int>& from) -> Coro<> { CHECK((co_await from.recv())->value == 1); },
          std::ref(receiver));
      co_await settle();
      bool refused = false;
      try {
        (void)co_await receiver.recv();
      } catch (const std::logic_error&) {
        refused = true;
      }
      CHECK(refused);
      sender.send(1);
      co_await first;
      sender.send(2);
      sender.send(3);
      const int sum = (co_await receiver.recv())->value + (co_await receiver.recv())->value;
      CHECK(sum == 5);
    });
  }

  TEST_CASE("a copy that fails can be tried again") {
    struct Fragile {
      explicit Fragile(int& failures) : left(&failures) {}
      Fragile(const Fragile& other) : left(other.left) {
        if (*left > 0) {
          --*left;
          throw std::runtime_error("no copy");
        }
      }
      Fragile(Fragile&&) noexcept = default;
      Fragile& operator=(const Fragile&) = delete;
      int* left;
    };
    run_virtual([]() -> Coro<> {
      int failures = 0;
      auto [sender, receiver] = broadcast<Fragile>(2);
      sender.send(Fragile(failures));
      failures = 1;
      bool failed = false;
      try {
        (void)co_await receiver.recv();
      } catch (const std::runtime_error&) {
        failed = true;
      }
      CHECK(failed);
      CHECK((co_await receiver.recv()).has_value());
    });
  }

  TEST_CASE("without room there is no broadcast") {
    CHECK_THROWS_AS((void)broadcast<int>(0), std::invalid_argument);
  }

  TEST_CASE("cut anywhere, a receiver misses nothing and others don't notice") {
    const std::size_t cuts = cancel_everywhere([](Cut& cut) -> Coro<> {
      auto [sender, receiver] = broadcast<int>(8);
      Task<std::string> other = spawn(hear_all(sender.subscribe()));
      Task<> sending = spawn(
          [](BroadcastSender<int> to) -> Coro<> {
            for (int i = 0; i < 5; ++i) {
              to.send(i);
              co_await yield_now();
            }
          },
          std::move(sender));
      int next = 0;
      auto consume = [&]() -> Coro<> {
        while (auto item = co_await receiver.recv()) {
          CHECK(item->missed == 0);
          CHECK(item->value == next++);
        }
      };
      const bool ended = co_await cut.run(consume);
      co_await consume();
      CHECK(next == 5);
      CHECK(co_await other == "0 1 2 3 4");
      co_await sending;
      (void)ended;
    });
    CHECK(cuts > 5);
  }

  TEST_CASE("a wake-up is no result: a receiver that is cancelled meanwhile throws at once") {
    run_virtual([]() -> Coro<> {
      auto [sender, receiver] = broadcast<int>(2);
      bool got = false;
      Task<> task = spawn([](BroadcastReceiver<int>& from,
                             bool& any) -> Coro<> { any = (co_await from.recv()).has_value(); },
                          std::ref(receiver), std::ref(got));
      co_await settle();
      sender.send(1);
      task.cancel();
      CHECK_THROWS_AS(co_await task, TaskCancelled);
      CHECK_FALSE(got);
      CHECK(receiver.try_recv()->value == 1);
    });
  }
}
