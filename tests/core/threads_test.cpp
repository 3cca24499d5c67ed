// Several loops on several threads; ThreadSanitizer must have nothing to say about it.
#include <malloc.h>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <simul/acquire_listeners.hpp>
#include <simul/loop_group.hpp>

#include "harness.hpp"
#include "runner.hpp"

using namespace simul;
using namespace simul::test;

namespace {

Coro<int> triple(int value) { co_return value * 3; }

/// Counts across threads.
struct AtomicWitness {
  explicit AtomicWitness(std::atomic<int>& alive) : alive_(&alive) { ++*alive_; }
  AtomicWitness(const AtomicWitness& other) : alive_(other.alive_) { ++*alive_; }
  AtomicWitness& operator=(const AtomicWitness&) = delete;
  ~AtomicWitness() { --*alive_; }
  std::atomic<int>* alive_;
};

}  // namespace

TEST_SUITE("threads") {
  TEST_CASE("callbacks that many threads post all run, each thread's in order") {
    constexpr int kThreads = 4;
    constexpr int kPosts = 2000;
    std::vector<int> last(kThreads, -1);
    int total = 0;
    bool ordered = true;
    {
      Runner runner;
      std::vector<std::jthread> threads;
      for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&, t] {
          for (int i = 0; i < kPosts; ++i) {
            (*runner).post([&, t, i] {
              ordered = ordered && last[static_cast<std::size_t>(t)] == i - 1;
              last[static_cast<std::size_t>(t)] = i;
              ++total;
            });
          }
        });
      }
      threads.clear();
      runner.stop();
    }
    CHECK(total == kThreads * kPosts);
    CHECK(ordered);
  }

  TEST_CASE("a post wakes a loop that sleeps") {
    Runner runner;
    for (int i = 0; i < 200; ++i) {
      std::promise<std::thread::id> ran;
      (*runner).post([&] { ran.set_value(std::this_thread::get_id()); });
      CHECK(ran.get_future().get() != std::this_thread::get_id());
    }
  }

  TEST_CASE("a coroutine that is spawned onto another loop runs there, and its result comes home") {
    Runner other;
    run([](Loop& there) -> Coro<> {
      const std::thread::id here = std::this_thread::get_id();
      for (int i = 0; i < 200; ++i) {
        Task<int> task = spawn(there, triple, i);
        CHECK(co_await task == 3 * i);
        CHECK(std::this_thread::get_id() == here);
      }
      Task<std::thread::id> where = spawn(there, []() -> Coro<std::thread::id> {
        co_await yield_now();
        co_return std::this_thread::get_id();
      });
      CHECK(co_await where != here);
    }(*other));
  }

  TEST_CASE("move-only arguments travel, and results may be moved out") {
    Runner other;
    run([](Loop& there) -> Coro<> {
      Task<std::unique_ptr<int>> task = spawn(
          there,
          [](std::unique_ptr<int> p) -> Coro<std::unique_ptr<int>> {
            ++*p;
            co_return p;
          },
          std::make_unique<int>(4));
      const std::unique_ptr<int> five = co_await std::move(task);
      CHECK(*five == 5);
    }(*other));
  }

  TEST_CASE("exceptions come home as well") {
    Runner other;
    run([](Loop& there) -> Coro<> {
      Task<> task = spawn(there, []() -> Coro<> {
        throw std::out_of_range("there");
        co_return;
      });
      CHECK_THROWS_AS(co_await task, std::out_of_range);
      CHECK(task.state() == TaskState::failed);
    }(*other));
  }

  TEST_CASE("what is spawned onto a loop that doesn't run yet starts when it does") {
    std::atomic<bool> ran = false;
    Loop loop;
    Task<> task = spawn(loop, [&]() -> Coro<> {
      ran = true;
      co_return;
    });
    CHECK_FALSE(task.done());
    std::thread thread([&] {
      loop.run_until_complete([](std::atomic<bool>& flag) -> Coro<> {
        while (!flag) {
          co_await sleep(100us);
        }
      }(ran));
    });
    thread.join();
    CHECK(task.done());
  }

  TEST_CASE("what is spawned onto a loop that ends without running counts as cancelled") {
    std::atomic<int> alive = 0;
    Task<> task;
    Task<> cancelled;
    bool ran = false;
    {
      Loop loop;
      task = spawn(
          loop,
          [&](AtomicWitness) -> Coro<> {
            ran = true;
            co_return;
          },
          AtomicWitness(alive));
      cancelled = spawn(
          loop,
          [&](AtomicWitness) -> Coro<> {
            ran = true;
            co_return;
          },
          AtomicWitness(alive));
      cancelled.cancel("a message that never arrives");
      CHECK(alive == 2);
    }
    CHECK_FALSE(ran);
    CHECK(alive == 0);
    CHECK(task.state() == TaskState::cancelled);
    run([](Task<>& ended) -> Coro<> { CHECK_THROWS_AS(co_await ended, TaskCancelled); }(task));
  }

  TEST_CASE("a waiter hears of a loop that ended without running its task") {
    auto loop = std::make_unique<Loop>();
    Task<int> task = spawn(*loop, triple, 1);
    std::thread thread;
    run([](Task<int>& awaited, std::unique_ptr<Loop>& ends, std::thread& by) -> Coro<> {
      Task<> waiter =
          spawn([&]() -> Coro<> { CHECK_THROWS_AS((void)co_await awaited, TaskCancelled); });
      co_await settle();
      CHECK_FALSE(waiter.done());
      by = std::thread([&] { ends.reset(); });
      co_await waiter;
    }(task, loop, thread));
    thread.join();
  }

  TEST_CASE("a waiter hears of a loop that ended with its task half done") {
    const LogCapture log;
    Runner other;
    run([](Runner& runner) -> Coro<> {
      std::atomic<bool> started = false;
      Task<> task = spawn(*runner, [&]() -> Coro<> {
        started = true;
        co_await sleep_forever();
      });
      Task<> waiter = spawn([&]() -> Coro<> { CHECK_THROWS_AS(co_await task, TaskCancelled); });
      while (!started) {
        co_await sleep(100us);
      }
      std::thread ender([&] { runner.end(); });
      co_await waiter;
      ender.join();
    }(other));
    CHECK(log.count() == 1);
  }

  TEST_CASE("a task of another loop can be cancelled from here") {
    Runner other;
    run([](Loop& there) -> Coro<> {
      for (int i = 0; i < 100; ++i) {
        Task<> task = spawn(there, []() -> Coro<> { co_await sleep_forever(); });
        if (i % 2 == 0) {
          co_await sleep(10us);
        }
        task.cancel("from afar");
        try {
          co_await task;
          FAIL("must throw");
        } catch (const TaskCancelled& cancelled) {
          CHECK(std::string(cancelled.what()) == "cancelled: from afar");
        }
      }
    }(*other));
  }

  TEST_CASE("a waiter that is cancelled meanwhile leaves the task of the other loop alone") {
    Runner other;
    run([](Loop& there) -> Coro<> {
      for (int i = 0; i < 100; ++i) {
        std::atomic<bool> go = false;
        Task<int> task = spawn(there, [&]() -> Coro<int> {
          while (!go) {
            co_await sleep(20us);
          }
          co_return 1;
        });
        Task<> waiter = spawn([&]() -> Coro<> { (void)co_await task; });
        co_await settle(i % 4);
        go = i % 2 == 0;
        waiter.cancel();
        CHECK_THROWS_AS(co_await waiter, TaskCancelled);
        go = true;
        CHECK(co_await task == 1);
      }
    }(*other));
  }

  TEST_CASE("many waiters on several loops wait for one task") {
    Runner home;
    std::atomic<bool> go = false;
    Task<int> task = spawn(*home, [&]() -> Coro<int> {
      while (!go) {
        co_await sleep(50us);
      }
      co_return 42;
    });
    std::atomic<int> sum = 0;
    LoopGroup group(3);
    group.run([&](Loop&, std::size_t index) -> Coro<> {
      co_await with_group([&](TaskGroup& waiters) -> Coro<> {
        for (int i = 0; i < 20; ++i) {
          waiters.spawn([&]() -> Coro<> { sum += co_await task; });
        }
        co_await yield_now();
        if (index == 0) {
          go = true;
        }
      });
    });
    CHECK(sum == 3 * 20 * 42);
  }

  TEST_CASE("a handle that belongs to another loop says so when it is awaited here") {
    Runner other;
    run([](Loop& there) -> Coro<> {
      Task<> local = spawn(sleep_forever());
      Task<bool> refused = spawn(there, [&]() -> Coro<bool> {
        try {
          co_await local;
        } catch (const std::logic_error&) {
          co_return true;
        }
        co_return false;
      });
      CHECK(co_await refused);
    }(*other));
  }

  TEST_CASE("what a loop spawned onto itself can be awaited and cancelled from another") {
    Runner other;
    run([](Loop& there) -> Coro<> {
      Task<> here = spawn(Loop::current(), sleep_forever);
      Task<bool> cancelled = spawn(there, [&]() -> Coro<bool> {
        here.cancel("from afar");
        try {
          co_await here;
        } catch (const TaskCancelled&) {
          co_return true;
        }
        co_return false;
      });
      CHECK(co_await cancelled);
    }(*other));
  }

  TEST_CASE(
      "an argument that can't be copied to another loop fails the spawn, and leaves nothing "
      "behind") {
    struct Uncopyable {
      Uncopyable() = default;
      Uncopyable(const Uncopyable&) { throw std::runtime_error("no copy"); }
      Uncopyable(Uncopyable&& other) noexcept(false) {
        if (other.brittle) {
          throw std::runtime_error("no move");
        }
      }
      bool brittle = false;
    };
    Runner other;
    const auto take = [](Uncopyable) -> Coro<> { co_return; };
    const Uncopyable stays;
    CHECK_THROWS_WITH(spawn(*other, take, stays), "no copy");
    Uncopyable brittle;
    brittle.brittle = true;
    CHECK_THROWS_WITH(spawn(*other, take, std::move(brittle)), "no move");
    run([](Loop& there) -> Coro<> { CHECK(co_await spawn(there, triple, 2) == 6); }(*other));
  }

  TEST_CASE("handles may be dropped on other threads, before and after the end") {
    const LogCapture log;
    Runner other;
    for (int i = 0; i < 300; ++i) {
      Task<> task = spawn(
          *other,
          [](int n) -> Coro<> {
            if (n % 3 == 0) {
              co_await yield_now();
            }
            if (n % 3 == 1) {
              throw std::runtime_error("unseen");
            }
          },
          i);
      std::thread([dropped = std::move(task)]() mutable {
        const Task<> here = std::move(dropped);
      }).join();
    }
    run([](Loop& there) -> Coro<> {
      co_await spawn(there, []() -> Coro<> { co_await settle(); });
    }(*other));
    other.end();
    CHECK(log.count() == 100);
  }

  TEST_CASE("a loop group runs its main on every loop, on threads of their own") {
    LoopGroup group(4);
    CHECK(group.size() == 4);
    std::vector<std::thread::id> ids(4);
    group.run([&](Loop& loop, std::size_t index) -> Coro<> {
      CHECK(&Loop::current() == &loop);
      CHECK(&loop == &group[index]);
      ids[index] = std::this_thread::get_id();
      co_await yield_now();
    });
    CHECK(ids[0] == std::this_thread::get_id());
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t k = i + 1; k < 4; ++k) {
        CHECK(ids[i] != ids[k]);
      }
    }
    group.run([](Loop&, std::size_t) -> Coro<> { co_return; });  // again
    CHECK(usable_processors() >= 1);
  }

  TEST_CASE("a failure on one loop of a group cancels the others, and is rethrown") {
    for (std::size_t failing = 0; failing < 3; ++failing) {
      CAPTURE(failing);
      LoopGroup group(3);
      std::atomic<int> cancelled = 0;
      auto main = [&](Loop&, std::size_t index) -> Coro<> {
        if (index == failing) {
          throw std::out_of_range("one of them");
        }
        if (co_await cancel_reason(sleep_forever()) == "another loop failed") {
          ++cancelled;
        }
      };
      CHECK_THROWS_AS(group.run(main), std::out_of_range);
      CHECK(cancelled == 2);
    }
  }

  TEST_CASE("a main of a group that somebody has cancelled ends the group with TaskCancelled") {
    for (const std::size_t cancelled : {0, 1}) {
      LoopGroup group(2);
      const auto main = [&](Loop&, std::size_t index) -> Coro<> {
        if (index == cancelled) {
          current_task().cancel("sigterm");
        }
        co_await sleep_forever();
      };
      CHECK_THROWS_WITH_AS(group.run(main), "cancelled: sigterm", TaskCancelled);
    }
  }

  TEST_CASE("loops send each other work in a ring") {
    LoopGroup group(3);
    std::atomic<int> hops = 0;
    struct Ring {
      static Coro<> hop(LoopGroup& group, std::size_t at, int left, std::atomic<int>& hops) {
        ++hops;
        if (left > 0) {
          Task<> next =
              spawn(group[(at + 1) % group.size()], [&group, at, left, &hops]() -> Coro<> {
                co_await hop(group, (at + 1) % group.size(), left - 1, hops);
              });
          co_await next;
        }
      }
    };
    std::atomic<int> running = 1;
    group.run([&](Loop&, std::size_t index) -> Coro<> {
      if (index == 0) {
        co_await Ring::hop(group, 0, 300, hops);
        running = 0;
      }
      while (running != 0) {
        co_await sleep(100us);
      }
    });
    CHECK(hops == 301);
  }

  TEST_CASE("a group accepts on all its loops") {
    const ListenerConfig config{.name = "echo", .endpoint = *Endpoint::parse("127.0.0.1:0")};
    auto acquired = acquire_listeners(std::span(&config, 1), 3);
    std::atomic<int> served = 0;
    LoopGroup group(3);
    group.run([&](Loop&, std::size_t index) -> Coro<> {
      co_await with_group([&](TaskGroup& tasks) -> Coro<> {
        tasks.spawn([&]() -> Coro<> {
          for (;;) {
            auto peer = co_await acquired[0].sockets[index].accept();
            REQUIRE(peer.has_value());
            auto chunk = co_await peer->stream.recv();
            (void)co_await peer->stream.send(*chunk);
            ++served;
          }
        });
        for (int i = 0; i < 50; ++i) {
          auto client = co_await connect(acquired[0].endpoint);
          REQUIRE(client.has_value());
          CHECK((co_await client->send("ping")).has_value());
          CHECK((co_await client->recv())->text() == "ping");
        }
        while (served < 150) {
          co_await sleep(100us);
        }
        tasks.cancel();
      });
    });
    CHECK(served == 150);
  }

  TEST_CASE("frames that are made on one thread and freed on another don't grow memory") {
    Runner other;
    run([](Loop& there) -> Coro<> {
      auto round = [&](int count) -> Coro<> {
        for (int i = 0; i < count; ++i) {
          // The state is made here and freed there, when the loop drops the last reference.
          spawn(
              there,
              [](int n) -> Coro<> {
                if (n % 2 == 0) {
                  co_await yield_now();
                }
              },
              i);
          if (i % 100 == 0) {
            co_await spawn(there, []() -> Coro<> { co_return; });
          }
        }
        co_await spawn(there, []() -> Coro<> { co_return; });
      };
      co_await round(2000);
      const auto before = mallinfo2().uordblks;
      for (int i = 0; i < 5; ++i) {
        co_await round(2000);
      }
      const auto after = mallinfo2().uordblks;
      CHECK(after <
            before + (std::size_t{4} << 20));  // the pools' caps, whatever the number of rounds
    }(*other));
  }
}
