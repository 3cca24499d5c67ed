#include <simul/channel.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

/// Virtual time in which any task that is ready may go first.
class AnyOrder final : public VirtualClock {
 public:
  explicit AnyOrder(unsigned seed) : random_(seed) {}
  [[nodiscard]] bool picks() const noexcept override { return true; }
  std::size_t pick(std::size_t ready) override { return random_() % ready; }

 private:
  std::mt19937 random_;
};

Coro<> send_all(Sender<int> sender, int first, int count) {
  for (int i = first; i < first + count; ++i) {
    const auto sent = co_await sender.send(i);
    REQUIRE(sent.has_value());
  }
}

Coro<std::vector<int>> receive_all(Receiver<int> receiver) {
  std::vector<int> items;
  while (auto item = co_await receiver.recv()) {
    items.push_back(*item);
  }
  co_return items;
}

std::vector<int> numbers(int count) {
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

/// Sends a word and says when it was taken.
Coro<> announce(Sender<int> sender, int item, Trace& trace) {
  const auto sent = co_await sender.send(item);
  trace((sent ? "sent" : "refused") + std::to_string(item));
}

Coro<> take_one(const Receiver<int>& receiver, std::string name, Trace& trace) {
  const auto item = co_await receiver.recv();
  trace(name + (item ? std::to_string(*item) : ":" + item.error().message()));
}

}  // namespace

TEST_SUITE("channel") {
  TEST_CASE("items come in order, and the end when the last sender is gone") {
    for (std::size_t capacity : {0u, 1u, 3u, 100u}) {
      CAPTURE(capacity);
      run_virtual([&]() -> Coro<> {
        auto [sender, receiver] = channel<int>(capacity);
        CHECK(sender.capacity() == capacity);
        spawn(send_all(std::move(sender), 0, 50));
        CHECK_FALSE(sender);
        CHECK(co_await receive_all(receiver) == numbers(50));
        const auto end = co_await receiver.recv();
        CHECK(end.error() == Errc::closed);
        CHECK(receiver.closed());
      });
    }
  }

  TEST_CASE("what is in the buffer doesn't make anybody wait") {
    run_virtual([]() -> Coro<> {
      auto [sender, receiver] = channel<int>(2);
      Task<> other = spawn(sleep_for(0s));
      CHECK((co_await sender.send(1)).has_value());
      CHECK((co_await sender.send(2)).has_value());
      CHECK(sender.size() == 2);
      CHECK(*co_await receiver.recv() == 1);
      CHECK(*co_await receiver.recv() == 2);
      CHECK(receiver.size() == 0);
      CHECK(Loop::current().task_count() == 2);  // the other one hasn't had its turn
    });
  }

  TEST_CASE(
      "a full channel makes its senders wait, first in, first out, and nobody overtakes them") {
    run_virtual([]() -> Coro<> {
      Trace trace;
      auto [sender, receiver] = channel<int>(1);
      CHECK(sender.try_send(0).has_value());
      CHECK(sender.try_send(9).error() == Errc::would_block);
      spawn(announce(sender, 1, trace));
      spawn(announce(sender, 2, trace));
      co_await settle();
      CHECK(trace.text().empty());
      CHECK(*receiver.try_recv() == 0);
      CHECK(sender.try_send(9).error() == Errc::would_block);  // the place is the first one's
      co_await settle();
      CHECK(trace.text() == "sent1");
      CHECK(*co_await receiver.recv() == 1);
      CHECK(*co_await receiver.recv() == 2);
      CHECK(receiver.try_recv().error() == Errc::would_block);
      co_await settle();
      CHECK(trace.text() == "sent1 sent2");
    });
  }

  TEST_CASE("waiting receivers are served first in, first out, and nobody overtakes them") {
    run_virtual([]() -> Coro<> {
      Trace trace;
      auto [sender, receiver] = channel<int>(4);
      spawn(take_one(receiver, "a", trace));
      spawn(take_one(receiver, "b", trace));
      co_await settle();
      CHECK(sender.try_send(1).has_value());
      CHECK(receiver.try_recv().error() == Errc::would_block);  // it is the first one's
      CHECK(sender.try_send(2).has_value());
      CHECK(sender.try_send(3).has_value());
      CHECK(sender.size() == 1);
      co_await settle();
      CHECK(trace.text() == "a1 b2");
      CHECK(*receiver.try_recv() == 3);
    });
  }

  TEST_CASE("with capacity 0 they meet: nothing is stored") {
    run_virtual([]() -> Coro<> {
      Trace trace;
      auto [sender, receiver] = channel<int>(0);
      CHECK(sender.try_send(1).error() == Errc::would_block);
      CHECK(receiver.try_recv().error() == Errc::would_block);

      spawn(announce(sender, 1, trace));
      co_await settle();
      CHECK(trace.text().empty());
      CHECK(sender.size() == 0);
      CHECK(*receiver.try_recv() == 1);
      co_await settle();
      CHECK(trace.text() == "sent1");

      spawn(take_one(receiver, "a", trace));
      co_await settle();
      CHECK(sender.try_send(2).has_value());
      CHECK(sender.try_send(3).error() == Errc::would_block);
      co_await settle();
      CHECK(trace.text() == "sent1 a2");
    });
  }

  TEST_CASE(
      "close refuses the senders, who keep their items, and leaves the buffer to the receivers") {
    for (const bool by_receiver : {false, true}) {
      run_virtual([&]() -> Coro<> {
        auto [sender, receiver] = channel<std::unique_ptr<int>>(1);
        CHECK(sender.try_send(std::make_unique<int>(0)).has_value());
        bool refused = false;
        auto waiting = [&]() -> Coro<> {
          auto item = std::make_unique<int>(1);
          const auto sent = co_await sender.send(std::move(item));
          CHECK(sent.error() == Errc::closed);
          refused = item != nullptr && *item == 1;  // NOLINT(bugprone-use-after-move): the promise
        };
        Task<> task = spawn(waiting);
        co_await settle();
        by_receiver ? receiver.close() : sender.close();
        co_await task;
        CHECK(refused);
        CHECK(sender.closed());
        auto item = std::make_unique<int>(2);
        CHECK(sender.try_send(std::move(item)).error() == Errc::closed);
        CHECK(item != nullptr);  // NOLINT(bugprone-use-after-move)
        CHECK((co_await sender.send(std::move(item))).error() == Errc::closed);
        CHECK(item != nullptr);  // NOLINT(bugprone-use-after-move)
        CHECK(**co_await receiver.recv() == 0);
        CHECK((co_await receiver.recv()).error() == Errc::closed);
        CHECK(receiver.try_recv().error() == Errc::closed);
        sender.close();
      });
    }
  }

  TEST_CASE("close wakes every receiver that waits, and so does the last sender's end") {
    for (const bool drop : {false, true}) {
      run_virtual([&]() -> Coro<> {
        Trace trace;
        auto [sender, receiver] = channel<int>(1);
        spawn(take_one(receiver, "a", trace));
        spawn(take_one(receiver, "b", trace));
        co_await settle();
        std::optional<Sender<int>> copy = sender;
        sender = {};
        co_await settle();
        CHECK(trace.text().empty());
        drop ? copy.reset() : copy->close();
        co_await settle();
        CHECK(trace.text() == "a:closed b:closed");
      });
    }
  }

  TEST_CASE("with the last receiver go the items, and the senders hear of it") {
    run_virtual([]() -> Coro<> {
      int alive = 0;
      auto [sender, receiver] = channel<Witness>(2);
      CHECK(sender.try_send(Witness(alive)).has_value());
      CHECK(sender.try_send(Witness(alive)).has_value());
      Task<bool> waiting = spawn(
          [](const Sender<Witness>& full, int& count) -> Coro<bool> {
            Witness third(count);
            const auto sent = co_await full.send(std::move(third));
            co_return sent.error() == Errc::closed;
          },
          std::cref(sender), std::ref(alive));
      co_await settle();
      CHECK(alive == 3);
      Receiver<Witness> copy = receiver;
      receiver = {};
      co_await settle();
      CHECK_FALSE(waiting.done());
      copy = {};
      CHECK(alive == 1);
      CHECK(co_await waiting);
      CHECK(alive == 0);
      CHECK(sender.size() == 0);
      CHECK(sender.try_send(Witness(alive)).error() == Errc::closed);
    });
  }

  TEST_CASE("an item may hold ends of channels, of its own too") {
    struct Letter {
      Sender<Letter> reply_to;
      Receiver<Letter> from;
    };
    run_virtual([]() -> Coro<> {
      auto [sender, receiver] = channel<Letter>(4);
      auto [other, from] = channel<Letter>(4);
      CHECK(sender.try_send(Letter{sender, std::move(from)}).has_value());
      CHECK(sender.try_send(Letter{sender, {}}).has_value());
      auto first = co_await receiver.recv();
      CHECK(first->reply_to.size() == 1);
      CHECK(other.try_send(Letter{sender, {}}).has_value());
      first->from = {};
      CHECK(other.closed());
      receiver = {};
      CHECK(sender.closed());
    });
  }

  TEST_CASE("the last sender may be in an item that goes with the last receiver") {
    struct Letter {
      Sender<Letter> reply_to;
      Witness witness;
    };
    int alive = 0;
    auto [sender, receiver] = channel<Letter>(4);
    CHECK(sender.try_send(Letter{sender, Witness(alive)}).has_value());
    sender = {};
    CHECK_FALSE(receiver.closed());
    receiver = {};
    CHECK(alive == 0);
  }

  TEST_CASE("send copies what it can't move, and the copy may be the only one") {
    run_virtual([]() -> Coro<> {
      auto [sender, receiver] = channel<std::string>(0);
      Task<> task = spawn(
          [](Sender<std::string> to) -> Coro<> {
            const std::string text(100, 'x');
            (void)co_await to.send(text);
            CHECK(text.size() == 100);
            (void)co_await to.send("made on the spot, and long enough to be on the heap");
            CHECK(to.try_send(text).error() == Errc::would_block);
          },
          std::move(sender));
      CHECK(co_await receiver.recv() == std::string(100, 'x'));
      CHECK((co_await receiver.recv())->starts_with("made on"));
      co_await task;
    });
  }

  TEST_CASE(
      "a receiver that was handed an item gets it, though it is cancelled: its next await throws") {
    run_virtual([]() -> Coro<> {
      auto [sender, receiver] = channel<int>(1);
      std::vector<int> got;
      Task<> task = spawn(
          [](const Receiver<int>& from, std::vector<int>& items) -> Coro<> {
            for (;;) {
              items.push_back(*co_await from.recv());
            }
          },
          std::cref(receiver), std::ref(got));
      co_await settle();
      CHECK(sender.try_send(1).has_value());
      task.cancel();
      CHECK(sender.try_send(2).has_value());
      CHECK_THROWS_AS(co_await task, TaskCancelled);
      CHECK(got == std::vector<int>{1});
      CHECK(*receiver.try_recv() == 2);
    });
  }

  TEST_CASE("a sender whose item was taken has sent it, though it is cancelled") {
    run_virtual([]() -> Coro<> {
      for (std::size_t capacity : {0u, 1u}) {
        auto [sender, receiver] = channel<int>(capacity);
        if (capacity == 1) {
          CHECK(sender.try_send(1).has_value());
        }
        Trace trace;
        Task<> task = spawn(announce(sender, 1, trace));
        co_await settle();
        CHECK(*receiver.try_recv() == 1);
        task.cancel();
        co_await task;
        CHECK(trace.text() == "sent1");
        CHECK(sender.size() == capacity);
      }
    });
  }

  TEST_CASE("a cancelled waiter is forgotten: the next one gets its turn") {
    run_virtual([]() -> Coro<> {
      Trace trace;
      auto [sender, receiver] = channel<int>(1);
      std::array<Task<>, 3> takers;
      for (std::size_t i = 0; i < 3; ++i) {
        takers[i] = spawn(take_one(receiver, std::string(1, static_cast<char>('a' + i)), trace));
      }
      co_await settle();
      takers[1].cancel();
      CHECK(sender.try_send(1).has_value());
      CHECK(sender.try_send(2).has_value());
      co_await settle();
      CHECK(trace.text() == "a1 c2");

      CHECK(sender.try_send(3).has_value());
      std::array<Task<>, 3> givers;
      for (std::size_t i = 0; i < 3; ++i) {
        givers[i] = spawn(announce(sender, 4 + static_cast<int>(i), trace));
      }
      co_await settle();
      givers[0].cancel();
      sender = {};
      CHECK(co_await receive_all(receiver) == std::vector<int>{3, 5, 6});
    });
  }

  TEST_CASE("in a cancelled scope nothing is taken and nothing is given") {
    run_virtual([]() -> Coro<> {
      auto [sender, receiver] = channel<int>(2);
      CHECK(sender.try_send(1).has_value());
      auto body = [&](CancelScope& scope) -> Coro<> {
        scope.cancel("enough");
        CHECK(co_await cancel_reason([](const Receiver<int>& from) -> Coro<> {
                (void)co_await from.recv();
              }(receiver)) == "enough");
        CHECK(co_await cancel_reason([](const Sender<int>& to) -> Coro<> {
                (void)co_await to.send(2);
              }(sender)) == "enough");
      };
      co_await with_scope(body);
      CHECK(sender.size() == 1);
    });
  }

  TEST_CASE("a task that never has to wait lets the others run all the same") {
    run_virtual([]() -> Coro<> {
      auto [sender, receiver] = channel<int>(1000);
      for (int i = 0; i < 1000; ++i) {
        CHECK(sender.try_send(i).has_value());
      }
      sender = {};
      int received = 0;
      Task<> taker = spawn(
          [](Receiver<int> from, int& count) -> Coro<> {
            while (auto item = co_await from.recv()) {
              CHECK(*item == count++);
            }
          },
          receiver, std::ref(received));
      co_await yield_now();
      CHECK(received > 0);
      CHECK(received < 1000);
      taker.cancel();
      const int before = received;
      CHECK_THROWS_AS(co_await taker, TaskCancelled);
      CHECK(received == before);  // a turn that was let to the others is no result
      CHECK(receiver.size() == static_cast<std::size_t>(1000 - received));
    });
  }

  TEST_CASE("an end can be used where no loop runs") {
    auto [sender, receiver] = channel<int>(1);
    CHECK(sender.try_send(1).has_value());
    CHECK(*receiver.try_recv() == 1);
    VirtualClock clock;
    Loop loop(clock);
    Trace trace;
    auto program = [&]() -> Coro<> {
      spawn(take_one(receiver, "a", trace));
      co_await settle();
      Loop::current().stop();
    };
    Task<> task = spawn(loop, program);
    loop.run_forever();
    CHECK(sender.try_send(2).has_value());  // the task waits on a loop that stands still
    CHECK(trace.text().empty());
    loop.stop();
    loop.run_forever();
    loop.run_until_complete(settle());
    CHECK(trace.text() == "a2");
  }

  TEST_CASE("recv cut anywhere: no item is lost or doubled") {
    for (std::size_t capacity : {0u, 1u, 3u}) {
      CAPTURE(capacity);
      const std::size_t cuts = cancel_everywhere([&](Cut& cut) -> Coro<> {
        auto [sender, receiver] = channel<int>(capacity);
        Task<> producer = spawn(send_all(std::move(sender), 0, 8));
        std::vector<int> got;
        const bool ended = co_await cut.run([&]() -> Coro<> {
          while (auto item = co_await receiver.recv()) {
            got.push_back(*item);
          }
        });
        for (const int item : co_await receive_all(receiver)) {
          CHECK_FALSE(ended);
          got.push_back(item);
        }
        CHECK(got == numbers(8));
        co_await producer;
      });
      CHECK(cuts > 3);
    }
  }

  TEST_CASE("send cut anywhere: an item is either in the channel or with its sender") {
    for (std::size_t capacity : {0u, 1u, 3u}) {
      CAPTURE(capacity);
      const std::size_t cuts = cancel_everywhere([&](Cut& cut) -> Coro<> {
        auto [sender, receiver] = channel<std::unique_ptr<int>>(capacity);
        Task<std::vector<int>> consumer = spawn(
            [](Receiver<std::unique_ptr<int>> from) -> Coro<std::vector<int>> {
              std::vector<int> got;
              while (auto item = co_await from.recv()) {
                got.push_back(**item);
                co_await yield_now();
              }
              co_return got;
            },
            std::move(receiver));
        int next = 0;
        auto item = std::make_unique<int>(next);
        auto send_rest = [&]() -> Coro<> {
          while (next < 8) {
            const auto sent = co_await sender.send(std::move(item));
            REQUIRE(sent.has_value());
            REQUIRE(item == nullptr);  // NOLINT(bugprone-use-after-move)
            item = std::make_unique<int>(++next);
          }
        };
        co_await cut.run(send_rest);
        REQUIRE(item != nullptr);
        co_await send_rest();
        sender = {};
        CHECK(co_await consumer == numbers(8));
      });
      CHECK(cuts > 3);
    }
  }

  TEST_CASE("a cut doesn't disturb those who wait before and behind") {
    cancel_everywhere([](Cut& cut) -> Coro<> {
      auto [sender, receiver] = channel<int>(0);
      Trace trace;
      Task<> before = spawn(take_one(receiver, "a", trace));
      int mine = -1;
      Task<> behind;
      Task<> giver = spawn(
          [](Sender<int> to, const Receiver<int>& from, Task<>& late, Trace& words) -> Coro<> {
            co_await yield_now();
            late = spawn(take_one(from, "c", words));
            co_await sleep(1s);
            for (int i = 0; i < 2; ++i) {
              const auto sent = co_await to.send(i);
              CHECK(sent.has_value());
              co_await sleep(1s);
            }
          },
          std::move(sender), std::cref(receiver), std::ref(behind), std::ref(trace));
      co_await cut.run([&]() -> Coro<> { mine = (co_await receiver.recv()).value_or(-2); });
      co_await giver;
      co_await settle();
      const bool handed = mine >= 0;
      CHECK(mine == (handed ? 1 : -1));
      CHECK(trace.text() == (handed ? "a0 c:closed" : "a0 c1"));
    });
  }

  TEST_CASE("many at once, in any order, cut at random: each item arrives once") {
    for (unsigned seed = 0; seed < 150; ++seed) {
      CAPTURE(seed);
      AnyOrder order(seed);
      Loop loop(order);
      std::mt19937 random(seed);
      constexpr int kItems = 60;
      std::vector<int> arrived(kItems, 0);
      int sent_count = 0;
      auto program = [&]() -> Coro<> {
        auto [sender, receiver] = channel<int>(random() % 4);
        int next = 0;
        auto produce = [&](Sender<int> to) -> Coro<> {
          while (next < kItems) {
            const int item = next++;
            bool sent = false;
            while (!sent) {
              auto attempt = [&]() -> Coro<> { sent = (co_await to.send(item)).has_value(); };
              co_await move_on_after(std::chrono::microseconds(random() % 3), attempt);
              co_await sleep(std::chrono::microseconds(random() % 3));
            }
            ++sent_count;
          }
        };
        auto consume = [&](Receiver<int> from) -> Coro<> {
          for (bool open = true; open;) {
            auto attempt = [&]() -> Coro<> {
              while (auto item = co_await from.recv()) {
                ++arrived[static_cast<std::size_t>(*item)];
              }
              open = false;
            };
            co_await move_on_after(std::chrono::microseconds(random() % 3), attempt);
          }
        };
        co_await with_group([&](TaskGroup& group) -> Coro<> {
          for (int i = 0; i < 3; ++i) {
            group.spawn(produce, sender);
            group.spawn(consume, receiver);
          }
          sender = {};
          receiver = {};
          co_return;
        });
      };
      loop.run_until_complete(program());
      CHECK(sent_count == kItems);
      CHECK(std::ranges::count(arrived, 1) == kItems);
    }
  }
}
