#include <simul/event.hpp>

#include <memory>
#include <string>
#include <vector>

#include "dying.hpp"
#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

Coro<> wait_for(Event& event, Trace& trace, std::string word) {
  co_await event.wait();
  trace(word);
}

}  // namespace

TEST_SUITE("event") {
  TEST_CASE("set wakes all who wait, in the order in which they came") {
    run_virtual([]() -> Coro<> {
      Event event;
      Trace trace;
      std::vector<Task<>> tasks;
      for (const char* word : {"a", "b", "c"}) {
        tasks.push_back(spawn(wait_for(event, trace, word)));
      }
      co_await settle();
      CHECK(trace.text().empty());
      event.set();
      CHECK(event.is_set());
      CHECK(trace.text().empty());  // through the ready queue
      co_await yield_now();
      CHECK(trace.text() == "a b c");
    });
  }

  TEST_CASE("who waits when it is set goes on, even if it is cleared before its turn") {
    run_virtual([]() -> Coro<> {
      Event event;
      Trace trace;
      Task<> a = spawn(wait_for(event, trace, "a"));
      Task<> b = spawn(wait_for(event, trace, "b"));
      co_await yield_now();
      event.set();
      event.clear();
      CHECK_FALSE(event.is_set());
      Task<> late = spawn(wait_for(event, trace, "late"));
      co_await settle();
      CHECK(trace.text() == "a b");
      event.set();
      co_await late;
      CHECK(trace.text() == "a b late");
    });
  }

  TEST_CASE("nobody waits for an event that is set, and nobody is starved by that") {
    run_virtual([]() -> Coro<> {
      Event event;
      event.set();
      event.set();
      bool stop = false;
      int count = 0;
      Task<> busy = spawn([&]() -> Coro<> {
        while (!stop && count < 1'000'000) {
          co_await event.wait();
          ++count;
        }
      });
      co_await yield_now();
      CHECK(count > 1);
      CHECK(count < 1000);
      stop = true;
      co_await busy;
    });
  }

  TEST_CASE("set and then cancelled: the wait is over; cancelled and then set: it throws") {
    for (const bool set_first : {true, false}) {
      CAPTURE(set_first);
      run_virtual([&]() -> Coro<> {
        Event event;
        Trace trace;
        Task<> task = spawn(wait_for(event, trace, "over"));
        Task<> other = spawn(wait_for(event, trace, "other"));
        co_await yield_now();
        if (set_first) {
          event.set();
          task.cancel();
        } else {
          task.cancel();
          event.set();
        }
        co_await other;
        co_await settle();
        CHECK(trace.text() == (set_first ? "over other" : "other"));
        CHECK(task.state() == (set_first ? TaskState::done : TaskState::cancelled));
      });
    }
  }

  TEST_CASE("an event may die when those whom it woke have not had their turn yet") {
    run_virtual([]() -> Coro<> {
      auto event = std::make_unique<Event>();
      Trace trace;
      Task<> task = spawn(wait_for(*event, trace, "over"));
      co_await yield_now();
      event->set();
      event.reset();
      co_await task;
      CHECK(trace.text() == "over");
    });
  }

  TEST_CASE("cut anywhere, nobody else misses the event") {
    const std::size_t rounds = cancel_everywhere([](Cut& cut) -> Coro<> {
      Event event;
      Trace trace;
      Task<> a = spawn(wait_for(event, trace, "a"));
      Task<> setter = spawn([&]() -> Coro<> {
        co_await settle();
        event.set();
      });
      bool over = false;
      const bool ended = co_await cut.run([&]() -> Coro<> {
        co_await event.wait();
        over = true;
        co_await yield_now();
      });
      CHECK((over || !ended));
      Task<> b = spawn(wait_for(event, trace, "b"));
      co_await a;
      co_await b;
      const bool both = trace.text() == "a b" || trace.text() == "b a";  // b may find it set
      CHECK(both);
      co_await setter;
    });
    CHECK(rounds > 5);
  }

  TEST_CASE("an event that dies while a task waits for it ends the program") {
    CHECK(last_words([] {
            run_virtual([]() -> Coro<> {
              auto event = std::make_unique<Event>();
              Task<> task = spawn([&]() -> Coro<> { co_await event->wait(); });
              co_await yield_now();
              event.reset();
            });
          }).find("destroyed while a task waits in it") != std::string::npos);
  }
}
