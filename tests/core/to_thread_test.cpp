#include <simul/to_thread.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <simul/context_var.hpp>
#include <simul/loop_group.hpp>
#include <simul/testing/simulation.hpp>

#include "full_pool.hpp"
#include "harness.hpp"
#include "thread_jobs.hpp"

using namespace simul;
using namespace simul::test;

namespace {

Coro<> wait_for_stop(Gate& started, std::stop_token& seen) {
  co_await to_thread([&](std::stop_token stop) {
    started.open();
    seen = stop;
    while (!stop.stop_requested()) {
      std::this_thread::yield();
    }
  });
}

}  // namespace

TEST_SUITE("to_thread") {
  TEST_CASE("the function runs on another thread, and its result comes home") {
    run([]() -> Coro<> {
      const std::thread::id here = std::this_thread::get_id();
      const std::thread::id there = co_await to_thread([] { return std::this_thread::get_id(); });
      CHECK(there != here);
      CHECK(std::this_thread::get_id() == here);
    }());
  }

  TEST_CASE("arguments travel, results may be moved out, or be references, or nothing") {
    run_virtual([]() -> Coro<> {
      auto increase = [](std::unique_ptr<int> number) {
        ++*number;
        return number;
      };
      const std::unique_ptr<int> five = co_await to_thread(increase, std::make_unique<int>(4));
      CHECK(*five == 5);
      int kept = 0;
      int& same = co_await to_thread([&]() -> int& { return kept; });
      CHECK(&same == &kept);
      co_await to_thread([&] { kept = 3; });
      CHECK(kept == 3);
      CHECK(co_await to_thread(&std::string::size, std::string("four")) == 4);
    });
  }

  TEST_CASE("exceptions come home") {
    run_virtual([]() -> Coro<> {
      auto fail = [](int) -> int { throw std::out_of_range("there"); };
      CHECK_THROWS_AS((void)co_await to_thread(fail, 1), std::out_of_range);
    });
  }

  TEST_CASE("the loop goes on meanwhile") {
    run_virtual([]() -> Coro<> {
      Gate gate;
      Task<> opener = spawn([&]() -> Coro<> {
        co_await settle();
        gate.open();
      });
      co_await to_thread([&] { gate.pass(); });
      CHECK(opener.done());
    });
  }

  TEST_CASE("virtual time stands still while a job is awaited: a deadline doesn't overtake it") {
    run_virtual([]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      for (int i = 0; i < 50; ++i) {
        const auto five = co_await move_on_after(
            1ms, []() -> Coro<int> { co_return co_await to_thread([] { return 5; }); });
        CHECK(five == 5);
      }
      CHECK(Loop::current().exact_now() == start);
      co_await sleep(1h);
      CHECK(Loop::current().exact_now() == start + 1h);
    });
  }

  TEST_CASE("a cancellation asks the job to stop, and waits for it; its result wins") {
    run_virtual([]() -> Coro<> {
      Gate started;
      bool returned = false;
      Trace trace;
      Task<> task = spawn([&]() -> Coro<> {
        const int result = co_await to_thread([&](std::stop_token stop) {
          started.open();
          while (!stop.stop_requested()) {
            std::this_thread::yield();
          }
          returned = true;
          return 7;
        });
        CHECK(returned);
        CHECK(result == 7);
        trace("result");
        co_await yield_now();
        trace("not reached");
      });
      co_await until_open(started);
      task.cancel("enough");
      CHECK_THROWS_AS(co_await task, TaskCancelled);
      CHECK(trace.text() == "result");
    });
  }

  TEST_CASE("a job that takes no stop_token is waited for as well") {
    run_virtual([]() -> Coro<> {
      Gate started;
      Gate end;
      Task<> task = spawn([&]() -> Coro<> {
        co_await to_thread([&] {
          started.open();
          end.pass();
        });
      });
      co_await until_open(started);
      task.cancel();
      co_await settle();
      CHECK_FALSE(task.done());
      end.open();
      co_await task;  // there was nothing after it that could have thrown
      CHECK(task.state() == TaskState::done);
    });
  }

  TEST_CASE("what the job throws wins over a cancellation too") {
    run_virtual([]() -> Coro<> {
      Gate started;
      Task<> task = spawn([&]() -> Coro<> {
        co_await to_thread([&](std::stop_token stop) {
          started.open();
          while (!stop.stop_requested()) {
            std::this_thread::yield();
          }
          throw std::out_of_range("stopped");
        });
      });
      co_await until_open(started);
      task.cancel();
      CHECK_THROWS_AS(co_await task, std::out_of_range);
    });
  }

  TEST_CASE("a deadline asks it to stop") {
    run([]() -> Coro<> {
      Gate started;
      std::stop_token seen;
      auto work = [&]() -> Coro<> { co_await wait_for_stop(started, seen); };
      CHECK(co_await move_on_after(1ms, work));  // the job has ended, and so has the body
      CHECK(seen.stop_requested());
    }());
  }

  TEST_CASE("cancelled before it is awaited: the job is destroyed uncalled") {
    run_virtual([]() -> Coro<> {
      int alive = 0;
      bool called = false;
      co_await with_scope([&](CancelScope& scope) -> Coro<> {
        scope.cancel();
        co_await to_thread([&, witness = Witness(alive)] { called = true; });
      });
      CHECK_FALSE(called);
      CHECK(alive == 0);
    });
  }

  TEST_CASE("cancelled while it waits for its turn: destroyed uncalled, before the await throws") {
    run_virtual([]() -> Coro<> {
      ThreadLimiter one(1);
      Gate started;
      Gate end;
      Trace trace;
      Task<> first = spawn([&]() -> Coro<> {
        auto block = [&] {
          started.open();
          end.pass();
        };
        co_await to_thread(block).limited_by(one);
      });
      Task<> second = spawn([&]() -> Coro<> {
        const Farewell frame(trace, "frame");
        auto uncalled = [&, farewell = Farewell(trace, "job")] { trace("called"); };
        co_await to_thread(std::move(uncalled)).limited_by(one);
      });
      Task<> third = spawn([&]() -> Coro<> {
        auto follow = [&] { trace("third"); };
        co_await to_thread(follow).limited_by(one);
      });
      co_await until_open(started);
      CHECK(one.running() == 1);
      CHECK(one.waiting() == 2);
      second.cancel();
      CHECK_THROWS_AS(co_await second, TaskCancelled);
      CHECK(one.waiting() == 1);
      CHECK(trace.text() == "job frame");
      end.open();
      co_await third;
      co_await first;
      CHECK(trace.text() == "job frame third");
      CHECK(one.running() == 0);
    });
  }

  TEST_CASE(
      "cancelled while the pool has no thread for it: destroyed uncalled, before the await "
      "throws") {
    run_virtual([]() -> Coro<> {
      FullPool pool;
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        pool.fill(group);
        co_await pool.full();
        Trace trace;
        Task<> victim = spawn([&]() -> Coro<> {
          const Farewell frame(trace, "frame");
          co_await to_thread([&, farewell = Farewell(trace, "job")] { trace("called"); });
        });
        co_await settle();
        CHECK_FALSE(victim.done());
        victim.cancel();
        bool cancelled = false;
        try {
          co_await victim;
        } catch (const TaskCancelled&) {
          cancelled = true;
        }
        CHECK(cancelled);
        CHECK(trace.text() == "job frame");
        pool.open();
        co_await to_thread([&] { trace("next"); });  // its slot is free again
        CHECK(trace.text() == "job frame next");
      });
    });
  }

  TEST_CASE(
      "turns are taken first come, first served, and no more than the limit are in the pool") {
    run_virtual([]() -> Coro<> {
      for (const std::size_t limit : {1, 2}) {
        ThreadLimiter limiter(limit);
        std::atomic<std::size_t> inside = 0;
        std::atomic<bool> exceeded = false;
        std::mutex mutex;
        std::vector<int> order;
        co_await with_group([&](TaskGroup& group) -> Coro<> {
          for (int i = 0; i < 40; ++i) {
            group.spawn(
                [&](int n) -> Coro<> {
                  auto job = [&, n] {
                    if (++inside > limit) {
                      exceeded = true;
                    }
                    {
                      const std::lock_guard lock(mutex);
                      order.push_back(n);
                    }
                    --inside;
                  };
                  co_await to_thread(job).limited_by(limiter);
                },
                i);
          }
          co_await yield_now();
          CHECK(limiter.running() == limit);
        });
        CHECK_FALSE(exceeded);
        CHECK(order.size() == 40);
        if (limit == 1) {
          CHECK(std::is_sorted(order.begin(), order.end()));
        }
        CHECK(limiter.running() == 0);
      }
    });
  }

  TEST_CASE(
      "abandoned: the wait throws at once, the job dies on the loop's thread when it has ended") {
    run_virtual([]() -> Coro<> {
      ThreadLimiter one(1);
      struct Shared {
        Gate started;
        Gate end;
        std::atomic<bool> stopped{false};
        std::thread::id died_on;
      };
      struct Owner {
        explicit Owner(std::shared_ptr<Shared> s) : shared(std::move(s)) {}
        Owner(Owner&&) = default;
        ~Owner() {
          if (shared != nullptr) {
            shared->died_on = std::this_thread::get_id();
          }
        }
        std::shared_ptr<Shared> shared;
      };
      const auto shared = std::make_shared<Shared>();
      Task<> task = spawn([&]() -> Coro<> {
        auto job = [owner = Owner(shared)](std::stop_token stop) {
          owner.shared->started.open();
          owner.shared->end.pass();
          owner.shared->stopped = stop.stop_requested();
        };
        co_await to_thread(std::move(job)).limited_by(one).abandon_on_cancel();
      });
      co_await until_open(shared->started);
      task.cancel("too slow");
      CHECK_THROWS_AS(co_await task, TaskCancelled);
      CHECK(one.running() == 1);  // it keeps its thread
      CHECK(shared->died_on == std::thread::id());
      shared->end.open();
      co_await until([&] { return one.running() == 0; });
      CHECK(shared->stopped);
      CHECK(shared->died_on == std::this_thread::get_id());
    });
  }

  TEST_CASE("time goes on while an abandoned job runs") {
    run_virtual([]() -> Coro<> {
      const auto gate = std::make_shared<std::pair<Gate, Gate>>();
      Task<> task = spawn([&]() -> Coro<> {
        auto job = [gate] {
          gate->first.open();
          gate->second.pass();
        };
        co_await to_thread(job).abandon_on_cancel();
      });
      co_await until_open(gate->first);
      task.cancel();
      co_await sleep(1h);
      gate->second.open();
    });
  }

  TEST_CASE("the end of a loop waits for jobs, abandoned or not, and nothing is left behind") {
    const std::size_t fds = open_fds();
    for (const bool abandoned : {false, true}) {
      const LogCapture log;
      int alive = 0;
      std::atomic<bool> ended = false;
      std::jthread opener;
      const auto gates = std::make_shared<std::pair<Gate, Gate>>();
      bool posted = false;
      {
        VirtualClock clock;
        Loop loop(clock);
        std::optional<Task<>> task;
        loop.run_until_complete([](auto& handle, auto& gate, auto& count, auto& end, auto& arrived,
                                   bool abandon) -> Coro<> {
          auto wait = [&]() -> Coro<> {
            auto job = [&home = Loop::current(), gate, &end, &arrived, witness = Witness(count)] {
              gate->first.open();
              gate->second.pass();
              end = true;
              home.post([&] { arrived = true; });
            };
            if (abandon) {
              co_await to_thread(std::move(job)).abandon_on_cancel();
            } else {
              co_await to_thread(std::move(job));
            }
          };
          handle = spawn(wait);
          co_await until_open(gate->first);
          if (!abandon) {
            gate->second.open();  // or run_until_complete would wait
          }
        }(task, gates, alive, ended, posted, abandoned));
        CHECK(task->done());
        CHECK(ended == !abandoned);
        CHECK(alive == (abandoned ? 1 : 0));
        opener = std::jthread([gates] { gates->second.open(); });
      }
      CHECK(ended);
      CHECK((posted || !abandoned));  // else the loop had ended before
      CHECK(alive == 0);
      CHECK(log.count() == 0);
    }
    CHECK(open_fds() == fds);
  }

  TEST_CASE("a loop that is destroyed with a job in flight ends after it") {
    const LogCapture log;
    std::atomic<bool> ended = false;
    bool waited = false;
    {
      Loop loop;
      Task<> task = spawn(loop, [&]() -> Coro<> {
        co_await to_thread([&](std::stop_token stop) {
          Loop* none = Loop::current_or_null();
          CHECK(none == nullptr);
          loop.stop();
          while (!stop.stop_requested()) {
            std::this_thread::yield();
          }
          ended = true;
        });
        waited = ended;
      });
      loop.run_forever();
      CHECK_FALSE(task.done());
    }
    CHECK(ended);
    CHECK(waited);
    CHECK(log.count() == 1);
  }

  TEST_CASE("a limiter belongs to one loop") {
    CHECK_THROWS_AS(ThreadLimiter(0), std::logic_error);
    ThreadLimiter limiter(2);
    Gate end;
    run([](ThreadLimiter& shared, Gate& gate) -> Coro<> {
      Task<> task = spawn([&]() -> Coro<> {
        auto block = [&] { gate.pass(); };
        co_await to_thread(block).limited_by(shared);
      });
      co_await yield_now();
      bool refused = false;
      auto nothing = [] {};
      auto elsewhere = [&]() -> Coro<> {
        try {
          co_await to_thread(nothing).limited_by(shared);
        } catch (const std::logic_error&) {
          refused = true;
        }
      };
      std::thread([&] { simul::run(elsewhere()); }).join();  // this loop stands still meanwhile
      CHECK(refused);
      gate.open();
      co_await task;
    }(limiter, end));
    run([](ThreadLimiter& shared) -> Coro<> {  // one after the other is fine
      auto five = [] { return 5; };
      CHECK(co_await to_thread(five).limited_by(shared) == 5);
    }(limiter));
  }

  TEST_CASE("a job sees the context variables of the task that awaits it") {
    ContextVar<std::string> name("name", "nobody");
    run_virtual([&]() -> Coro<> {
      name.set("ann");
      CHECK(co_await to_thread([&] { return name.get(); }) == "ann");
      auto set = [&] { name.set("bob"); };
      CHECK_THROWS_AS(co_await to_thread(set), std::logic_error);
      auto in_a_task = [&]() -> Coro<std::string> {
        co_return co_await to_thread([&] { return name.get(); });
      };
      CHECK(co_await spawn(in_a_task) == "ann");
    });
    run_virtual([&]() -> Coro<> {  // on the same threads
      CHECK(co_await to_thread([&] { return name.get(); }) == "nobody");
    });
  }

  TEST_CASE(
      "cut anywhere, no turn is lost, no job is half done, and the others come to their end") {
    for (const bool abandon : {false, true}) {
      CAPTURE(abandon);
      const std::size_t cuts = cancel_everywhere([&](Cut& cut) -> Coro<> {
        ThreadLimiter one(1);
        struct Counts {
          std::atomic<int> begun{0};
          std::atomic<int> ended{0};
        };
        const auto counts = std::make_shared<Counts>();
        auto job = [counts](std::stop_token) {
          ++counts->begun;
          std::this_thread::yield();
          ++counts->ended;
          return 1;
        };
        int results = 0;
        auto use = [&]() -> Coro<> {
          for (int i = 0; i < 3; ++i) {
            if (abandon) {
              results += co_await to_thread(job).limited_by(one).abandon_on_cancel();
            } else {
              results += co_await to_thread(job).limited_by(one);
            }
          }
        };
        int others = 0;
        auto use_too = [&]() -> Coro<> {
          for (int i = 0; i < 3; ++i) {
            others += co_await to_thread(job).limited_by(one);
          }
        };
        Task<> before = spawn(use_too);
        Task<> after = spawn(use_too);
        const bool ended = co_await cut.run(use);
        co_await before;
        co_await after;
        co_await until([&] { return one.running() == 0; });
        CHECK(one.waiting() == 0);
        CHECK(others == 6);
        CHECK(counts->begun == counts->ended);
        if (!abandon) {
          CHECK(counts->ended == others + results);  // what began for the victim gave it its result
        }
        CHECK(results <= 3);
        CHECK(results >= (ended ? 3 : 0));
      });
      CHECK(cuts >= 3);
    }
  }

  TEST_CASE(
      "in a simulated world, which has no threads, jobs run on the loop's, in turns of their own") {
    for (const std::uint64_t seed : {0, 1, 2, 3}) {
      Simulation world(seed);
      ThreadLimiter one(1);
      Trace trace;
      ContextVar<int> number("number", 0);
      world.run([&]() -> Coro<> {
        const std::thread::id here = std::this_thread::get_id();
        number.set(5);
        auto job = [&] {
          CHECK(std::this_thread::get_id() == here);
          CHECK(number.get() == 5);
          trace("job");
          return 3;
        };
        CHECK(co_await to_thread(job).limited_by(one) == 3);
        CHECK(number.get() == 5);

        Task<int> queued = spawn([&]() -> Coro<int> { co_return co_await to_thread(job); });
        Task<> killer = spawn([&]() -> Coro<> {
          co_await yield_now();
          queued.cancel();  // before its turn, or after
          co_return;
        });
        co_await killer;
        try {
          const int result = co_await queued;
          CHECK(result == 3);
        } catch (const TaskCancelled&) {
          trace("recalled");
        }
        co_await with_group([&](TaskGroup& group) -> Coro<> {
          for (int i = 0; i < 3; ++i) {
            group.spawn([&]() -> Coro<> { co_await to_thread(job).limited_by(one); });
          }
          co_return;
        });
        CHECK(one.running() == 0);
      });
      const bool recalled = trace.text() == "job recalled job job job";
      CHECK((recalled || trace.text() == "job job job job job"));
    }
  }

  TEST_CASE("many loops share the pool, jobs are cancelled at any moment, and none is lost") {
    LoopGroup loops(3);
    std::atomic<int> begun = 0;
    std::atomic<int> ended = 0;
    std::atomic<int> given = 0;
    loops.run([&](Loop&, std::size_t index) -> Coro<> {
      ThreadLimiter limiter(2);
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        for (int i = 0; i < 150; ++i) {
          Task<> task = group.spawn([&]() -> Coro<> {
            auto job = [&](std::stop_token stop) {
              ++begun;
              for (int n = 0; n < 20 && !stop.stop_requested(); ++n) {
                std::this_thread::yield();
              }
              ++ended;
              return 1;
            };
            given += co_await to_thread(job).limited_by(limiter);
          });
          if (i % 3 == 0) {
            co_await settle(i % 7 + static_cast<int>(index));
            task.cancel();
          }
        }
      });
      CHECK(limiter.running() == 0);
      CHECK(limiter.waiting() == 0);
    });
    CHECK(begun == ended);
    CHECK(given == ended);
    CHECK(given >= 300);
  }
}
