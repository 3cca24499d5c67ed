#include <simul/race.hpp>

#include <ranges>
#include <stdexcept>
#include <string>
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

Coro<> slow_to_end(Trace& trace, std::string word, Duration grace) {
  try {
    co_await sleep_forever();
  } catch (const Cancelled& cancelled) {
    trace(cancelled.reason());
  }
  co_await shielded(1h, [&] { return sleep_for(grace); });
  trace(word);
  co_await yield_now();
}

/// Hands out what lies in it, first to whoever asks first: what is handed over has left the box.
class Box {
 public:
  class Take final : public Leaf {
   public:
    explicit Take(Box& box) noexcept : box_(box) {}
    bool await_ready() {
      check_cancelled();
      return false;
    }
    void await_suspend(std::coroutine_handle<>) {
      suspend();
      box_.taker_ = this;
    }
    int await_resume() {
      throw_if_cancelled();
      return item_;
    }

   private:
    friend class Box;
    bool on_cancel() noexcept override {
      box_.taker_ = nullptr;
      return true;
    }
    Box& box_;
    int item_ = 0;
  };

  Take take() noexcept { return Take(*this); }
  /// False: nobody waits, the item stays with the caller.
  bool put(int item) {
    if (taker_ == nullptr) {
      return false;
    }
    taker_->item_ = item;
    std::exchange(taker_, nullptr)->wake();
    return true;
  }

 private:
  Take* taker_ = nullptr;
};

Coro<int> take_from(Box& box) { co_return co_await box.take(); }

}  // namespace

TEST_SUITE("race") {
  TEST_CASE("the first to end wins, and its value says who it was") {
    run_virtual([]() -> Coro<> {
      auto first = co_await race(after(2s, 1), after(1s, std::string("text")), sleep_for(3s));
      REQUIRE(first.winner.index() == 1);
      CHECK(std::get<1>(first.winner) == "text");
      CHECK_FALSE(std::get<0>(first.late).has_value());
      CHECK_FALSE(std::get<2>(first.late).has_value());
      auto second = co_await race(after(2s, 1), sleep_for(1s));
      CHECK(second.winner.index() == 1);
      auto same_types = co_await race(after(2s, 1), after(1s, 2));
      CHECK(same_types.winner.index() == 1);
    });
  }

  TEST_CASE("of a range it gives place and value") {
    run_virtual([]() -> Coro<> {
      auto make = [](int n) { return after(std::chrono::seconds(10 - n), n * 2); };
      auto first = co_await race(std::views::iota(0, 5) | std::views::transform(make));
      CHECK(first.winner.index == 4);
      CHECK(first.winner.value == 8);
      CHECK(first.late.empty());
      std::vector<Coro<>> sleeps;
      sleeps.push_back(sleep_for(2s));
      sleeps.push_back(sleep_for(1s));
      auto second = co_await race(std::move(sleeps));
      CHECK(second.winner.index == 1);
    });
  }

  TEST_CASE("the losers are cancelled, and joined before it returns") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      auto result = co_await race(after(1s, 1), slow_to_end(trace, "joined", 2s));
      CHECK(result.winner.index() == 0);
      CHECK(Loop::current().exact_now() - start == 3s);
      CHECK(Loop::current().task_count() == 1);
      CHECK_FALSE(std::get<1>(result.late).has_value());
    });
    CHECK(trace.text() == "another one has won the race joined");
  }

  TEST_CASE("a loser that had not started never runs") {
    bool ran = false;
    int alive = 0;
    run_virtual([&]() -> Coro<> {
      auto at_once = []() -> Coro<int> { co_return 1; };
      auto other = [&](Witness) -> Coro<int> {
        ran = true;
        co_return 2;
      };
      auto result = co_await race(at_once(), other(Witness(alive)));
      CHECK(result.winner.index() == 0);
      CHECK(alive == 0);
    });
    CHECK_FALSE(ran);
  }

  TEST_CASE("a failure that comes first is thrown, one that comes later is reported") {
    const LogCapture log;
    run_virtual([&]() -> Coro<> {
      auto failing = [] { return race(after(2s, 1), fails_after(1s, "bad")); };
      CHECK_THROWS_WITH(co_await failing(), "bad");
      CHECK(Loop::current().task_count() == 1);
      CHECK(log.count() == 0);
      auto fails_in_cleanup = []() -> Coro<> {
        try {
          co_await sleep_forever();
        } catch (const Cancelled&) {
        }
        throw std::runtime_error("in cleanup");
      };
      auto result = co_await race(after(1s, 5), fails_in_cleanup());
      CHECK(std::get<0>(result.winner) == 5);
      CHECK(log.count() == 1);
      CHECK(log.all().find("in cleanup") != std::string::npos);
    });
  }

  TEST_CASE("what a loser had in hand when it was cancelled is not lost") {
    run_virtual([]() -> Coro<> {
      Box box;
      auto gives = [&]() -> Coro<> {
        box.put(42);  // the taker is woken, but somebody else comes first
        co_return;
      };
      auto result = co_await race(take_from(box), gives());
      CHECK(result.winner.index() == 1);
      CHECK(std::get<0>(result.late) == 42);

      std::vector<Coro<int>> coros;
      coros.push_back(take_from(box));
      coros.push_back([](Box& b) -> Coro<int> {
        b.put(43);
        co_return 0;
      }(box));
      auto ranged = co_await race(std::move(coros));
      CHECK(ranged.winner.index == 1);
      REQUIRE(ranged.late.size() == 1);
      CHECK(ranged.late[0].index == 0);
      CHECK(ranged.late[0].value == 43);
    });
  }

  TEST_CASE("a child that is cancelled by itself is out of the race") {
    run_virtual([]() -> Coro<> {
      auto gives_up = []() -> Coro<int> {
        (co_await detail::this_task).cancel("by itself");
        co_await sleep(1s);
        co_return 0;
      };
      auto result = co_await race(gives_up(), after(5s, 1));
      CHECK(result.winner.index() == 1);
      auto nobody = [&] { return race(gives_up(), gives_up()); };
      CHECK_THROWS_AS(co_await nobody(), TaskCancelled);
    });
  }

  TEST_CASE("cancelling it cancels and joins all") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      auto both = [&]() -> Coro<> {
        (void)co_await race(slow_to_end(trace, "a", 1s), slow_to_end(trace, "b", 2s));
        trace("never");
      };
      Task<> task = spawn(both);
      co_await sleep(1s);
      task.cancel("enough");
      CHECK_THROWS_AS(co_await task, TaskCancelled);
      CHECK(Loop::current().task_count() == 1);
    });
    CHECK(trace.text() == "enough enough a b");
  }

  TEST_CASE("nobody to take part is an error") {
    run_virtual([]() -> Coro<> {
      auto none = [] { return race(std::vector<Coro<int>>()); };
      CHECK_THROWS_AS(co_await none(), std::logic_error);
    });
  }

  TEST_CASE("cancelled everywhere, no child is left behind and no item lost or doubled") {
    const std::size_t rounds = cancel_everywhere([](Cut& cut) -> Coro<> {
      Box box;
      int alive = 0;
      std::vector<int> taken;
      int handed_over = 0;
      Task<> producer = spawn([&]() -> Coro<> {
        for (int i = 1; i <= 6; ++i) {
          co_await sleep(1s);
          if (box.put(i)) {
            ++handed_over;
          }
        }
      });
      auto taker = [&](Witness) -> Coro<int> { co_return co_await box.take(); };
      auto pause = [&](Witness, Duration time) -> Coro<> { co_await sleep(time); };
      co_await cut.run([&]() -> Coro<> {
        for (const Duration time : {500ms, 1000ms, 1000ms, 2000ms, 1000ms}) {
          auto result = co_await race(pause(Witness(alive), time), taker(Witness(alive)));
          if (result.winner.index() == 1) {
            taken.push_back(std::get<1>(result.winner));
          } else if (std::get<1>(result.late)) {
            taken.push_back(*std::get<1>(result.late));
          }
        }
      });
      CHECK(alive == 0);
      co_await producer;
      CHECK(taken.size() == static_cast<std::size_t>(handed_over));
      CHECK(std::ranges::is_sorted(taken));
      CHECK(Loop::current().task_count() == 1);
    });
    CHECK(rounds > 10);
  }
}
