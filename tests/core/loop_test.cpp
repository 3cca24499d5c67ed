#include <simul/loop.hpp>

#include <sys/resource.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <simul/connection.hpp>

#include "harness.hpp"
#include "loop_access.hpp"
#include "reactor.hpp"

using namespace simul;
using namespace simul::test;

TEST_SUITE("loop") {
  TEST_CASE("when the main coroutine has ended, everything else is cancelled and joined") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      spawn([&]() -> Coro<> {
        std::string reason;
        try {
          co_await sleep(1h);
        } catch (const Cancelled& cancelled) {
          reason = cancelled.reason();
        }
        trace(reason == "the loop ends" ? "cancelled" : reason);
        co_await shielded(1s, [&]() -> Coro<> { co_await sleep(500ms); });
        trace("cleaned");
      });
      co_await yield_now();
      trace("main");
    });
    CHECK(trace.text() == "main cancelled cleaned");
  }

  TEST_CASE("a loop can be used again") {
    VirtualClock clock;
    Loop loop(clock);
    for (int i = 0; i < 3; ++i) {
      const int result = loop.run_until_complete([](int n) -> Coro<int> {
        spawn(sleep_forever());
        co_await sleep(1s);
        co_return n;
      }(i));
      CHECK(result == i);
      CHECK(loop.task_count() == 0);
    }
  }

  TEST_CASE("run_forever returns after stop, and tasks go on with the next run") {
    VirtualClock clock;
    Loop loop(clock);
    int ticks = 0;
    loop.post([&] {
      spawn([&]() -> Coro<> {
        for (;;) {
          co_await sleep(1s);
          if (++ticks % 3 == 0) {
            Loop::current().stop();
          }
        }
      });
    });
    loop.run_forever();
    CHECK(ticks == 3);
    CHECK(loop.task_count() == 1);
    loop.run_forever();
    CHECK(ticks == 6);
    loop.shutdown();
    CHECK(loop.task_count() == 0);
  }

  TEST_CASE("a loop that is destroyed with live tasks reports, cancels and joins them") {
    const LogCapture log;
    int alive = 0;
    std::string reason;
    {
      VirtualClock clock;
      Loop loop(clock);
      loop.post([&] {
        spawn(
            [&](Witness) -> Coro<> {
              reason = co_await cancel_reason(sleep_for(1h));
              Loop::current().stop();
            },
            Witness(alive))
            .set_name("left over");
        Loop::current().stop();
      });
      loop.run_forever();
      CHECK(loop.task_count() == 1);
      CHECK(alive > 0);
    }
    CHECK(alive == 0);
    CHECK(log.count() == 1);
    CHECK(log.all().find("('left over')") != std::string::npos);
  }

  TEST_CASE("a destroyed loop goes through shields") {
    const LogCapture log;
    bool ended = false;
    const auto start = std::chrono::steady_clock::now();
    {
      Loop loop;
      loop.post([&] {
        spawn([&]() -> Coro<> {
          const std::string reason =
              co_await cancel_reason(shielded(1h, [] { return sleep_for(1h); }));
          CHECK(reason == "the loop ends");
          ended = true;
        });
        Loop::current().stop();
      });
      loop.run_forever();
      loop.stop();
      loop.run_forever();
    }
    CHECK(ended);
    CHECK(std::chrono::steady_clock::now() - start < 10s);
  }

  TEST_CASE("a destroyed loop goes through shields that are only opened then") {
    const LogCapture log;
    bool ended = false;
    VirtualClock clock;
    const TimePoint start = clock.now();
    {
      Loop loop(clock);
      loop.post([&] {
        spawn([&]() -> Coro<> {
          try {
            co_await sleep(2h);
          } catch (const Cancelled&) {
          }
          const std::string reason =
              co_await cancel_reason(shielded(1h, [] { return sleep_for(1h); }));
          CHECK(reason == "the loop ends");
          ended = true;
        });
        Loop::current().stop();
      });
      loop.run_forever();
      loop.stop();
      loop.run_forever();
    }
    CHECK(ended);
    CHECK(clock.now() - start < 1s);
  }

  TEST_CASE("tasks that are spawned while the loop ends never start, and destroy their arguments") {
    const LogCapture log;
    int alive = 0;
    bool ran = false;
    {
      VirtualClock clock;
      Loop loop(clock);
      loop.post([&] {
        spawn([&]() -> Coro<> {
          try {
            co_await sleep(1h);
          } catch (const Cancelled&) {
            spawn(
                [&](Witness) -> Coro<> {
                  ran = true;
                  co_return;
                },
                Witness(alive));
          }
        });
        Loop::current().stop();
      });
      loop.run_forever();
      loop.stop();
      loop.run_forever();
    }
    CHECK_FALSE(ran);
    CHECK(alive == 0);
  }

  TEST_CASE("posted callbacks run in order, and a throwing one is reported") {
    const LogCapture log;
    Trace trace;
    VirtualClock clock;
    Loop loop(clock);
    CHECK(loop.post([&] { trace("a"); }));
    CHECK(loop.post([&] { throw std::runtime_error("oops"); }));
    CHECK(loop.post([&] { trace("b"); }));
    loop.stop();
    loop.run_forever();
    CHECK(trace.text() == "a b");
    CHECK(log.all() == "error: a posted callback failed: oops\n");
  }

  TEST_CASE("what was posted and never ran is destroyed with the loop") {
    int alive = 0;
    {
      Loop loop;
      loop.post([witness = Witness(alive)] { FAIL("must not run"); });
      CHECK(alive == 1);
    }
    CHECK(alive == 0);
  }

  TEST_CASE("posting to a loop that has ended says so") {
    std::shared_ptr<detail::Mailbox> mailbox;
    int alive = 0;
    {
      Loop loop;
      mailbox = loop.mailbox();
    }
    CHECK_FALSE(mailbox->post([witness = Witness(alive)] {}));
    CHECK(alive == 0);
  }

  TEST_CASE("a loop can't be run inside of itself") {
    VirtualClock clock;
    Loop loop(clock);
    loop.run_until_complete([](Loop& self) -> Coro<> {
      CHECK_THROWS_AS(self.run_forever(), std::logic_error);
      CHECK_THROWS_AS(self.shutdown(), std::logic_error);
      co_return;
    }(loop));
  }

  TEST_CASE("a loop that would run inside of another, which would stand still, refuses") {
    VirtualClock clock;
    Loop outer(clock);
    Loop inner(clock);
    outer.run_until_complete([](Loop& out, Loop& in) -> Coro<> {
      CHECK_THROWS_AS(in.run_until_complete(settle()), std::logic_error);
      CHECK_THROWS_AS(in.run_forever(), std::logic_error);
      CHECK_THROWS_AS(run(settle()), std::logic_error);
      CHECK(&Loop::current() == &out);
      co_await sleep(1s);
    }(outer, inner));
    CHECK(Loop::current_or_null() == nullptr);
    inner.run_until_complete(settle());
  }

  TEST_CASE("an empty function is refused when it is handed over") {
    Loop loop;
    CHECK_THROWS_AS(loop.post({}), std::invalid_argument);
    CHECK_THROWS_AS(loop.call_soon({}), std::invalid_argument);
    CHECK_THROWS_AS(loop.call_later(1s, {}), std::invalid_argument);
    loop.run_until_complete(settle());
  }

  TEST_CASE("I/O is looked at when the tasks that were ready at the start of the turn have run") {
    auto [left, right] = socket_pair();
    Loop loop;
    loop.run_until_complete([](SocketStream& a, SocketStream& b) -> Coro<> {
      detail::Reactor& reactor = detail::LoopAccess::reactor(Loop::current());
      Task<> reader = spawn([&]() -> Coro<> { (void)co_await a.recv(); });
      co_await settle();
      int steps = 0;
      std::vector<std::uint64_t> callbacks;
      const std::uint64_t before = reactor.callbacks();
      for (int i = 0; i < 1000; ++i) {
        spawn([&]() -> Coro<> {
          if (++steps == 1) {
            (void)co_await b.send("x");
          }
          callbacks.push_back(reactor.callbacks());
          co_await yield_now();
          callbacks.push_back(reactor.callbacks());
        });
      }
      co_await reader;
      co_await settle();
      REQUIRE(callbacks.size() == 2000);
      CHECK(callbacks[999] == before);  // all of one turn
      CHECK(callbacks[1000] > before);  // the next one comes after the poll, though it was ready
    }(left, right));
  }

  TEST_CASE("a loop polls once per turn, not once per resume") {
    VirtualClock clock;
    Loop loop(clock);
    loop.run_until_complete([]() -> Coro<> {
      int steps = 0;
      for (int i = 0; i < 60; ++i) {
        spawn([&]() -> Coro<> {
          for (int n = 0; n < 10; ++n) {
            ++steps;
            co_await yield_now();
          }
        });
      }
      co_await settle(20);
      CHECK(steps == 600);
    }());
  }

  TEST_CASE("a timer that outlives its loop can still be destroyed") {
    auto [near, far] = memory_stream_pair();
    VirtualClock clock;
    std::unique_ptr<Connection> connection;
    {
      Loop loop(clock);
      loop.run_until_complete([](Stream& stream, std::unique_ptr<Connection>& result) -> Coro<> {
        result = std::make_unique<Connection>(stream, Endpoint(), 1);
        result->supervise(co_await detail::this_task, 1h);
      }(near, connection));
    }
    connection.reset();
  }

  TEST_CASE("a stream that outlives its loop says so on the next, and closes cleanly") {
    auto [left, right] = socket_pair();
    {
      Loop loop;
      loop.run_until_complete([](SocketStream& stream) -> Coro<> {
        CHECK_FALSE(co_await move_on_after(1ms, [&]() -> Coro<> { (void)co_await stream.recv(); }));
      }(left));
    }
    Loop next;
    next.run_until_complete([](SocketStream& stream, SocketStream& peer) -> Coro<> {
      Task<> reader = spawn([&]() -> Coro<> {
        auto blocked = co_await stream.recv();
        REQUIRE_FALSE(blocked.has_value());
        CHECK(blocked.error() == std::errc::operation_not_supported);
      });
      co_await reader;  // it is whole: it can end
      CHECK((co_await peer.send("x")).has_value());
      auto chunk = co_await stream.recv();
      CHECK(chunk.has_value());
    }(left, right));
    left.close();
    CHECK(left.native_handle() == -1);
  }
}
