// The snippets of docs/runtime/context.md.
#include <string>

#include <doctest/doctest.h>

#include <simul/simul.hpp>
#include <simul/testing.hpp>

using namespace simul;
using namespace std::chrono_literals;

namespace {

std::string logged;

// [request_id]
ContextVar<std::string> request_id("request_id", "-");

void note(const std::string& text) { logged += request_id.get() + ": " + text + "\n"; }

Coro<> query() {
  co_await sleep(1ms);
  note("queried");  // knows whose query it is, without an argument
}

Coro<> handle(std::string id) {
  co_await request_id.with_value(id, []() -> Coro<> {
    note("begin");
    co_await query();
  });
  note("after");
}
// [/request_id]

}  // namespace

TEST_SUITE("docs: context") {
  TEST_CASE("request_id") {
    logged.clear();
    VirtualClock clock;
    Loop loop(clock);
    loop.run_until_complete(handle("r-17"));
    CHECK(logged == "r-17: begin\nr-17: queried\n-: after\n");
  }

  TEST_CASE("spawn") {
    run([]() -> Coro<> {
      // [spawn]
      request_id.set("r-1");
      Task<std::string> child = spawn([]() -> Coro<std::string> {
        request_id.set(request_id.get() + ".a");  // its own from here on
        co_return request_id.get();
      });
      request_id.set("r-2");                // too late for the child
      std::string seen = co_await child;    // "r-1.a"
      std::string mine = request_id.get();  // "r-2"
      // [/spawn]
      CHECK(seen == "r-1.a");
      CHECK(mine == "r-2");
    }());
  }
}
