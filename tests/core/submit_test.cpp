// submit(): a thread that isn't a loop waits for one.
#include <simul/submit.hpp>

#include <atomic>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

/// A loop on a thread of its own, until it is stopped.
class LoopThread {
 public:
  LoopThread() : thread_([this] { loop_.run_forever(); }) {}
  ~LoopThread() {
    loop_.stop();
    thread_.join();
  }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;
  Loop& loop() noexcept { return loop_; }

 private:
  Loop loop_;
  std::thread thread_;
};

}  // namespace

TEST_SUITE("submit") {
  TEST_CASE("a thread gets the result, or the exception") {
    LoopThread other;
    auto answer = submit(
        other.loop(),
        [](std::string text) -> Coro<std::string> {
          co_await yield_now();
          co_return text + "!";
        },
        std::string("hello"));
    CHECK(answer.get() == "hello!");
    auto failing = submit(other.loop(), []() -> Coro<> {
      co_await yield_now();
      throw std::out_of_range("no");
    });
    CHECK_THROWS_AS(failing.get(), std::out_of_range);
  }

  TEST_CASE("it can be waited for with patience, asked, and cancelled") {
    LoopThread other;
    std::latch started(1);
    auto endless = submit(other.loop(), [&]() -> Coro<> {
      started.count_down();
      co_await sleep_until(kNever);
    });
    started.wait();
    CHECK_FALSE(endless.wait_for(1ms));
    CHECK_FALSE(endless.done());
    endless.cancel("enough");
    CHECK_THROWS_WITH_AS(endless.get(), "cancelled: enough", TaskCancelled);
  }

  TEST_CASE("one that is cancelled before it starts destroys its arguments and says so") {
    int alive = 0;
    VirtualClock clock;
    Loop loop(clock);
    auto work = submit(loop, [](Witness) -> Coro<> { co_return; }, Witness(alive));
    work.cancel();
    loop.run_until_complete(settle());
    CHECK(alive == 0);
    CHECK_THROWS_WITH_AS(work.get(), "cancelled before it could start", TaskCancelled);
  }

  TEST_CASE("function and arguments are gone before the thread goes on") {
    LoopThread other;
    for (int i = 0; i < 100; ++i) {
      std::atomic<int> alive = 1;
      auto last = [&alive](int*) { --alive; };
      int token = 0;
      auto work = [held = std::shared_ptr<int>(&token, last)]() -> Coro<int> { co_return 1; };
      auto answer = submit(other.loop(), std::move(work));
      CHECK(answer.get() == 1);
      CHECK(alive == 0);
    }
  }

  TEST_CASE("one loop can be given work before it runs") {
    VirtualClock clock;
    Loop loop(clock);
    auto work = submit(loop, []() -> Coro<int> { co_return 3; });
    CHECK_FALSE(work.done());
    loop.run_until_complete(settle());
    CHECK(work.done());
    CHECK(work.get() == 3);
  }

  TEST_CASE("a loop that ends first counts as a cancellation, and destroys the arguments") {
    int alive = 0;
    std::optional<Submission<int>> work;
    {
      Loop loop;
      work = submit(loop, [](Witness) -> Coro<int> { co_return 1; }, Witness(alive));
      CHECK(alive == 1);
    }
    CHECK(alive == 0);
    CHECK_THROWS_AS(work->get(), TaskCancelled);
  }

  TEST_CASE("a loop that would block on itself is told so") {
    run_virtual([]() -> Coro<> {
      auto own = submit(Loop::current(), []() -> Coro<int> { co_return 1; });
      CHECK_THROWS_AS(own.get(), std::logic_error);
      CHECK_THROWS_AS((void)own.wait_for(1s), std::logic_error);
      co_await yield_now();
      CHECK(own.done());
    });
  }

  TEST_CASE("the result can be taken once") {
    LoopThread other;
    auto work = submit(other.loop(), []() -> Coro<int> { co_return 3; });
    CHECK(work.get() == 3);
    CHECK_THROWS_AS(work.get(), InvalidState);
  }

  TEST_CASE("many threads submit to one loop") {
    LoopThread other;
    std::atomic<int> sum = 0;
    {
      std::vector<std::jthread> threads;
      for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
          for (int i = 0; i < 100; ++i) {
            auto work = submit(other.loop(), [](int n) -> Coro<int> { co_return n; }, t * 100 + i);
            sum += work.get();
          }
        });
      }
    }
    CHECK(sum == 400 * 399 / 2);
  }
}
