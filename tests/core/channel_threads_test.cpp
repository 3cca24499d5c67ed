// Channels between loops on different threads; ThreadSanitizer must have nothing to say about it.
#include <atomic>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include <simul/broadcast.hpp>
#include <simul/channel.hpp>
#include <simul/loop_group.hpp>
#include <simul/oneshot.hpp>
#include <simul/priority_channel.hpp>
#include <simul/watch_channel.hpp>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

/// What arrived, counted from any thread.
class Arrivals {
 public:
  explicit Arrivals(std::size_t items) : seen_(items) {}
  void operator()(int item) { ++seen_[static_cast<std::size_t>(item)]; }
  [[nodiscard]] bool each_once() const {
    for (const auto& count : seen_) {
      if (count != 1) {
        return false;
      }
    }
    return true;
  }

 private:
  std::vector<std::atomic<int>> seen_;
};

constexpr int kItems = 20'000;
constexpr std::size_t kLoops = 2;

/// Sends the numbers below kItems that nobody else sends; most attempts may be cut off.
Coro<> produce(Sender<std::unique_ptr<int>> sender, std::atomic<int>& next, unsigned seed) {
  std::mt19937 random(seed);
  for (int number = next++; number < kItems; number = next++) {
    auto item = std::make_unique<int>(number);
    while (item != nullptr) {
      auto attempt = [&]() -> Coro<> {
        const auto sent = co_await sender.send(std::move(item));
        CHECK(sent.has_value());
      };
      if (random() % 4 == 0) {
        co_await move_on_after(std::chrono::microseconds(random() % 50), attempt);
      } else {
        co_await attempt();
      }
    }
  }
}

Coro<> consume(Receiver<std::unique_ptr<int>> receiver, Arrivals& arrived, unsigned seed) {
  std::mt19937 random(seed);
  for (bool open = true; open;) {
    auto attempt = [&]() -> Coro<> {
      for (auto left = random() % 20; left > 0; --left) {
        auto item = co_await receiver.recv();
        if (!item) {
          CHECK(item.error() == Errc::closed);
          open = false;
          break;
        }
        arrived(**item);
      }
    };
    co_await move_on_after(std::chrono::microseconds(random() % 50), attempt);
  }
}

/// `senders` and `receivers` tasks on each loop share one channel.
void stress(Channel<std::unique_ptr<int>> shared, int senders, int receivers) {
  Arrivals arrived(kItems);
  std::atomic<int> next = 0;
  std::vector<Channel<std::unique_ptr<int>>> ends(kLoops, shared);
  shared = {};
  LoopGroup group(kLoops);
  group.run([&](Loop&, std::size_t index) -> Coro<> {
    Channel<std::unique_ptr<int>> mine = std::exchange(ends[index], {});
    auto body = [&](TaskGroup& tasks) -> Coro<> {
      for (int i = 0; i < senders; ++i) {
        tasks.spawn(produce(mine.sender, next, static_cast<unsigned>(i)));
      }
      for (int i = 0; i < receivers; ++i) {
        tasks.spawn(consume(mine.receiver, arrived, static_cast<unsigned>(100 + i)));
      }
      mine = {};
      co_return;
    };
    co_await with_group(body);
  });
  CHECK(arrived.each_once());
}

}  // namespace

TEST_SUITE("channel threads") {
  TEST_CASE("several senders and receivers on two loops, cut at random: each item arrives once") {
    for (std::size_t capacity : {0u, 1u, 16u}) {
      CAPTURE(capacity);
      stress(channel<std::unique_ptr<int>>(capacity), 2, 3);
    }
    auto before = [](const std::unique_ptr<int>& a, const std::unique_ptr<int>& b) {
      return *a < *b;
    };
    stress(priority_channel<std::unique_ptr<int>>(8, before), 3, 2);
  }

  TEST_CASE("one sender's items reach one receiver on another loop in order") {
    auto shared = channel<int>(4);
    LoopGroup group(2);
    int expected = 0;
    group.run([&](Loop&, std::size_t index) -> Coro<> {
      if (index == 0) {
        const Sender<int> sender = std::move(shared.sender);
        for (int i = 0; i < kItems; ++i) {
          CHECK((co_await sender.send(i)).has_value());
        }
      } else {
        const Receiver<int> receiver = shared.receiver;
        while (auto item = co_await receiver.recv()) {
          REQUIRE(*item == expected);
          ++expected;
        }
      }
    });
    CHECK(expected == kItems);
  }

  TEST_CASE("threads without a loop send and receive too") {
    auto [jobs, work] = channel<int>(8);
    auto [results, done] = channel<int>(8);
    std::jthread giver([sender = std::move(jobs)] {
      for (int i = 0; i < 5000;) {
        sender.try_send(i) ? void(++i) : std::this_thread::yield();
      }
    });
    long sum = 0;
    std::jthread taker([&sum, receiver = std::move(done)] {
      for (;;) {
        if (auto item = receiver.try_recv()) {
          sum += *item;
        } else if (item.error() == Errc::closed) {
          return;
        } else {
          std::this_thread::yield();
        }
      }
    });
    run([](Receiver<int> from, Sender<int> to) -> Coro<> {
      while (auto item = co_await from.recv()) {
        CHECK((co_await to.send(2 * *item)).has_value());
      }
    }(std::move(work), std::move(results)));
    giver.join();
    taker.join();
    CHECK(sum == 5000L * 4999);
  }

  TEST_CASE(
      "a loop that ends while another thread hands over: nothing is lost, nothing is touched") {
    for (int round = 0; round < 300; ++round) {
      auto [sender, receiver] = channel<int>(4);
      std::atomic<bool> go = false;
      long received = 0;
      long accepted = 0;
      std::thread other([&, from = receiver] {
        auto loop = std::make_unique<Loop>();
        auto program = [&]() -> Coro<> {
          for (int i = 0; i < 3; ++i) {
            spawn(
                [](Receiver<int> mine, long& count) -> Coro<> {
                  while (co_await mine.recv()) {
                    ++count;
                  }
                },
                from, std::ref(received));
          }
          co_await settle();
          go = true;
          co_await sleep(std::chrono::microseconds(round % 60));
        };
        loop->run_until_complete(program());  // cancels the three
      });
      while (!go) {
        std::this_thread::yield();
      }
      for (int i = 0; i < 200; ++i) {
        accepted += sender.try_send(i).has_value() ? 1 : 0;
      }
      other.join();
      while (receiver.try_recv()) {
        ++received;
      }
      CHECK(received == accepted);
    }
  }

  TEST_CASE("a loop that is destroyed while another thread closes") {
    const LogCapture log;
    for (int round = 0; round < 200; ++round) {
      auto [sender, receiver] = channel<int>(0);
      std::atomic<bool> go = false;
      int left = 0;
      std::thread other([&, from = receiver] {
        Loop loop;
        auto program = [&]() -> Coro<> {
          for (int i = 0; i < 3; ++i) {
            spawn([](Receiver<int> mine, Witness) -> Coro<> { (void)co_await mine.recv(); }, from,
                  Witness(left));
          }
          co_await settle();
          Loop::current().stop();
          go = true;
        };
        Task<> task = spawn(loop, program);
        loop.run_forever();
      });
      while (!go) {
        std::this_thread::yield();
      }
      sender.close();
      other.join();
      CHECK(left == 0);
    }
  }

  TEST_CASE("requests to another loop, with the way back in them") {
    struct Request {
      int number;
      OneshotSender<int> answer;
    };
    auto shared = channel<Request>(4);
    LoopGroup group(2);
    std::atomic<int> dropped = 0;
    group.run([&](Loop&, std::size_t index) -> Coro<> {
      if (index == 0) {
        const Receiver<Request> requests = std::move(shared.receiver);
        while (auto request = co_await requests.recv()) {
          if (request->number % 10 != 0) {
            (void)request->answer.send(3 * request->number);  // may be gone: it was in a hurry
          }
        }
      } else {
        const Sender<Request> requests = std::move(shared.sender);
        std::mt19937 random(1);
        for (int i = 0; i < 5000; ++i) {
          auto [answer, asked] = oneshot<int>();
          CHECK((co_await requests.send(Request{i, std::move(answer)})).has_value());
          auto ask = [&]() -> Coro<> {
            const auto tripled = co_await asked.recv();
            CHECK(tripled.has_value() == (i % 10 != 0));
            CHECK(tripled.value_or(3 * i) == 3 * i);
            dropped += tripled ? 0 : 1;
          };
          if (random() % 3 == 0) {
            co_await move_on_after(std::chrono::microseconds(random() % 50), ask);
          } else {
            co_await ask();
          }
        }
      }
    });
    CHECK(dropped > 0);
  }

  TEST_CASE("a broadcast reaches the receivers of all loops, in order, missed ones counted") {
    auto shared = broadcast<int>(64);
    std::vector<BroadcastReceiver<int>> receivers;
    for (std::size_t i = 0; i < 2 * kLoops; ++i) {
      receivers.push_back(shared.sender.subscribe());
    }
    shared.receiver = {};
    std::thread giver([sender = std::exchange(shared.sender, {})] {
      for (int i = 0; i < kItems; ++i) {
        CHECK(sender.send(i) > 0);
      }
    });
    LoopGroup group(kLoops);
    group.run([&](Loop&, std::size_t index) -> Coro<> {
      auto listen = [](BroadcastReceiver<int>& from) -> Coro<> {
        std::mt19937 random(1);
        std::uint64_t next = 0;
        for (bool open = true; open;) {
          auto attempt = [&]() -> Coro<> {
            while (auto item = co_await from.recv()) {
              next += item->missed;
              REQUIRE(static_cast<std::uint64_t>(item->value) == next);
              ++next;
            }
            open = false;
          };
          co_await move_on_after(std::chrono::microseconds(random() % 50), attempt);
        }
        CHECK(next == kItems);
      };
      auto body = [&](TaskGroup& tasks) -> Coro<> {
        tasks.spawn(listen(receivers[2 * index]));
        tasks.spawn(listen(receivers[2 * index + 1]));
        co_return;
      };
      co_await with_group(body);
    });
    giver.join();
  }

  TEST_CASE("a watched value is seen by all loops, the latest one in any case") {
    auto shared = watch_channel(0);
    std::vector<WatchReceiver<int>> receivers(kLoops, shared.receiver);
    std::thread giver([sender = std::exchange(shared.sender, {})] {
      for (int i = 1; i <= kItems; ++i) {
        sender.send(i);
      }
    });
    LoopGroup group(kLoops);
    group.run([&](Loop&, std::size_t index) -> Coro<> {
      WatchReceiver<int>& receiver = receivers[index];
      std::mt19937 random(1);
      int last = 0;
      for (bool open = true; open;) {
        auto attempt = [&]() -> Coro<> {
          while (co_await receiver.changed()) {
            const int value = receiver.get();
            REQUIRE(value >= last);
            last = value;
          }
          open = false;
        };
        co_await move_on_after(std::chrono::microseconds(random() % 50), attempt);
      }
      CHECK(last == kItems);
    });
    giver.join();
  }
}
