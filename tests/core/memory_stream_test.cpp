#include <simul/testing/memory_stream.hpp>

#include <string>

#include "stream_pairs.hpp"

using namespace simul;
using namespace simul::test;

TEST_SUITE("memory stream") {
  TEST_CASE("it holds its capacity and not a byte more") {
    auto [a, b] = memory_stream_pair(10);
    run_virtual([&]() -> Coro<> {
      CHECK(co_await a.send_some(as_bytes("0123456789abc")) == 10u);
      CHECK(b.pending() == 10);
      CHECK_FALSE(co_await move_on_after(1s, [&]() -> Coro<> { (void)co_await a.send("x"); }));
      CHECK((co_await b.recv())->text() == "0123456789");
    });
  }

  TEST_CASE("it counts attempts and waits") {
    auto [a, b] = memory_stream_pair(10);
    run_virtual([&]() -> Coro<> {
      Task<> reader = spawn([&]() -> Coro<> { (void)co_await b.recv(); });
      co_await settle();
      CHECK(b.counts().recv == 1);
      CHECK(b.counts().waits == 1);
      (void)co_await a.send("x");
      co_await reader;
      CHECK(b.counts().recv == 2);
      CHECK(a.counts().send == 1);
    });
  }

  TEST_CASE("an abort overtakes what is on its way") {
    auto [a, b] = memory_stream_pair();
    run_virtual([&]() -> Coro<> {
      (void)co_await a.send("lost");
      a.close(Stream::CloseMode::abort);
      CHECK((co_await b.recv()).error() == std::errc::connection_reset);
    });
  }

  TEST_CASE("a send to a closed end fails at once, and that is the reader's end as well") {
    auto [a, b] = memory_stream_pair();
    run_virtual([&]() -> Coro<> {
      (void)co_await a.send("before");
      a.close();
      CHECK((co_await b.send("x")).error() == std::errc::broken_pipe);
      CHECK((co_await b.recv())->text() == "before");
      CHECK((co_await b.recv()).error() == std::errc::broken_pipe);
    });
  }
}
