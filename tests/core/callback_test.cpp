// Callbacks: call_soon, call_later, call_at, and what their handles can do.
#include <simul/callback.hpp>

#include <stdexcept>
#include <vector>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

TEST_SUITE("callbacks") {
  TEST_CASE("call_soon queues behind what is ready, in order") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      Loop& loop = Loop::current();
      Task<> task = spawn([&]() -> Coro<> {
        trace("task");
        co_return;
      });
      loop.call_soon([&] { trace("first"); });
      loop.call_soon([&] { trace("second"); });
      trace("main");
      co_await task;
      co_await yield_now();
    });
    CHECK(trace.text() == "main task first second");
  }

  TEST_CASE("what a callback queues runs in the next turn") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      Loop& loop = Loop::current();
      loop.call_soon([&] {
        loop.call_soon([&] { trace("inner"); });
        trace("outer");
      });
      co_await yield_now();
      trace("main");
      co_await yield_now();
    });
    CHECK(trace.text() == "outer main inner");
  }

  TEST_CASE("call_later and call_at fire in time order, equal times in the order of the calls") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      Loop& loop = Loop::current();
      const TimePoint start = loop.exact_now();
      loop.call_at(start + 2s, [&] { trace("2s"); });
      loop.call_later(1s, [&] { trace("1s"); });
      for (const char* word : {"a", "b", "c"}) {
        loop.call_at(start + 3s, [&trace, word] { trace(word); });
      }
      loop.call_later(-1s, [&] { trace("past"); });
      co_await sleep(4s);
      CHECK(loop.exact_now() - start == 4s);
    });
    CHECK(trace.text() == "past 1s 2s a b c");
  }

  TEST_CASE("a cancelled callback isn't called, and what it holds dies at once") {
    int alive = 0;
    run_virtual([&]() -> Coro<> {
      Loop& loop = Loop::current();
      auto forbidden = [w = Witness(alive)] { FAIL("it was cancelled"); };
      CallHandle soon = loop.call_soon(forbidden);
      CallHandle later = loop.call_later(1s, forbidden);
      Task<> task = spawn(sleep_for(1s));
      CallHandle done = task.add_done_callback([forbidden](Task<>&) { forbidden(); });
      CHECK(alive == 4);
      for (CallHandle* handle : {&soon, &later, &done}) {
        CHECK_FALSE(handle->cancelled());
        handle->cancel();
        handle->cancel();
        CHECK(handle->cancelled());
      }
      CHECK(alive == 1);
      CHECK(later.when() == loop.now() + 1s);
      CHECK(soon.when() == kNever);
      co_await sleep(2s);
    });
    CHECK(alive == 0);
  }

  TEST_CASE("a callback may cancel the one that is next in the queue, a timer, and itself") {
    Trace trace;
    run_virtual([&]() -> Coro<> {
      Loop& loop = Loop::current();
      CallHandle own;
      CallHandle next;
      CallHandle timed = loop.call_later(0s, [&] { trace("timed"); });
      own = loop.call_soon([&] {
        trace("own");
        own.cancel();
        next.cancel();
        timed.cancel();
      });
      next = loop.call_soon([&] { trace("next"); });
      co_await sleep(1s);
      CHECK_FALSE(own.cancelled());
      CHECK(next.cancelled());
    });
    CHECK(trace.text() == "own");
  }

  TEST_CASE("dropping a handle cancels nothing; copies are equal") {
    int calls = 0;
    run_virtual([&]() -> Coro<> {
      {
        const CallHandle handle = Loop::current().call_later(1s, [&] { ++calls; });
        const CallHandle copy = handle;
        CHECK(copy == handle);
        CHECK(copy != CallHandle());
        CHECK_FALSE(CallHandle().cancelled());
        CallHandle().cancel();
      }
      co_await sleep(2s);
    });
    CHECK(calls == 1);
  }

  TEST_CASE("what a callback throws is logged, and the others go on") {
    const LogCapture log;
    int calls = 0;
    run_virtual([&]() -> Coro<> {
      Loop::current().call_soon([] { throw std::runtime_error("broken"); });
      Loop::current().call_soon([&] { ++calls; });
      co_await yield_now();
    });
    CHECK(calls == 1);
    CHECK(log.all() == "error: a callback failed: broken\n");
  }

  TEST_CASE("callbacks can be queued before the loop runs, and are kept between two runs") {
    VirtualClock clock;
    Loop loop(clock);
    Trace trace;
    loop.call_soon([&] { trace("soon"); });
    loop.call_later(10s, [&] { trace("later"); });
    loop.run_until_complete(sleep_for(1s));
    CHECK(trace.text() == "soon");
    loop.run_until_complete(sleep_for(10s));
    CHECK(trace.text() == "soon later");
  }

  TEST_CASE("the end of the loop destroys uncalled what waits, handles stay valid") {
    int alive = 0;
    CallHandle timed;
    CallHandle refused;
    {
      VirtualClock clock;
      Loop loop(clock);
      timed = loop.call_later(1h, [w = Witness(alive)] { FAIL("too late"); });
      loop.run_until_complete([](Loop& here, CallHandle& handle, int& count) -> Coro<> {
        Task<> task = spawn(
            [](Loop& l, CallHandle& h, Witness w) -> Coro<> {
              try {
                co_await sleep_until(kNever);
              } catch (const Cancelled&) {
                h = l.call_later(1s, [w] { FAIL("the loop has ended"); });
                throw;
              }
            },
            std::ref(here), std::ref(handle), Witness(count));
        co_await yield_now();
      }(loop, refused, alive));
      CHECK(alive == 2);
    }
    CHECK(alive == 0);
    CHECK(timed.cancelled());
    CHECK(refused.cancelled());
    timed.cancel();
  }

  TEST_CASE("a callback that queues itself again for ever doesn't keep the loop from ending") {
    int calls = 0;
    std::function<void()> again;
    {
      VirtualClock clock;
      Loop loop(clock);
      again = [&] {
        ++calls;
        loop.call_soon(again);
        loop.post(again);
      };
      loop.call_soon(again);
      loop.run_until_complete(settle(3));
    }
    CHECK(calls > 2);
  }

  TEST_CASE("run_forever runs callbacks until one of them stops it") {
    VirtualClock clock;
    Loop loop(clock);
    Trace trace;
    loop.call_later(1s, [&] { trace("tick"); });
    loop.call_later(2s, [&] { loop.stop(); });
    loop.call_later(3s, [&] { trace("never"); });
    loop.run_forever();
    CHECK(trace.text() == "tick");
  }
}
