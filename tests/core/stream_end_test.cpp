// How a connection may end: what reader, writer and closed() are told, over real sockets.
#include <string>
#include <utility>

#include <simul/socket.hpp>

#include "polls.hpp"

using namespace simul;
using namespace simul::test;

TEST_SUITE("ends of streams") {
  TEST_CASE(
      "a reset is never a clean end of stream, for reader nor writer, whoever sees it first") {
    for (const bool sender_first : {false, true}) {
      CAPTURE(sender_first);
      run([](bool writes_first) -> Coro<> {
        auto [a, b] = co_await tcp_pair();
        a.close(Stream::CloseMode::abort);
        co_await sleep(1ms);
        for (int i = 0; i < 3; ++i) {
          if (writes_first) {
            auto sent = co_await b.send("x");
            CHECK_FALSE(sent.has_value());
          }
          auto chunk = co_await b.recv();
          REQUIRE_FALSE(chunk.has_value());
          CHECK(chunk.error() != Errc::end_of_stream);
          CHECK(chunk.error() == std::errc::connection_reset);
          auto sent = co_await b.send("x");
          REQUIRE_FALSE(sent.has_value());
          CHECK(sent.error() == std::errc::connection_reset);
          const std::error_code why = co_await b.closed();
          CHECK(why == std::errc::connection_reset);
        }
      }(sender_first));
    }
  }

  TEST_CASE("a reset wakes a reader, a blocked writer and closed(), all with the error") {
    run([]() -> Coro<> {
      auto [a, b] = co_await tcp_pair();
      const std::string much(16 << 20, 'x');
      int woken = 0;
      Task<> reader = spawn([&]() -> Coro<> {
        auto chunk = co_await b.recv();
        CHECK(chunk.error() == std::errc::connection_reset);
        ++woken;
      });
      Task<> writer = spawn([&]() -> Coro<> {
        auto sent = co_await b.send(much);
        CHECK(sent.error() == std::errc::connection_reset);
        ++woken;
      });
      Task<> watcher = spawn([&]() -> Coro<> {
        const std::error_code why = co_await b.closed();
        CHECK(why == std::errc::connection_reset);
        ++woken;
      });
      co_await settle(20);
      CHECK(woken == 0);
      a.close(Stream::CloseMode::abort);
      co_await reader;
      co_await writer;
      co_await watcher;
      CHECK(woken == 3);
    }());
  }

  TEST_CASE("a send to a peer that has gone for good: the reader's end is that failure") {
    run([]() -> Coro<> {
      auto [a, b] = co_await tcp_pair();
      CHECK((co_await a.send("last words")).has_value());
      a.close();
      std::error_code error;
      for (int i = 0; i < 100 && !error; ++i) {
        auto sent = co_await b.send("x");
        error = sent ? std::error_code() : sent.error();
        co_await sleep(1ms);
      }
      CHECK(error);
      std::string got;
      std::error_code end;
      while (!end) {
        auto chunk = co_await b.recv();
        chunk ? void(got += chunk->text()) : void(end = chunk.error());
      }
      CHECK(end != Errc::end_of_stream);
    }());
  }

  TEST_CASE("closed() ignores a half-close, and reports the end") {
    run([]() -> Coro<> {
      auto [a, b] = co_await tcp_pair();
      Task<std::error_code> closed = spawn([&]() -> Coro<std::error_code> {
        const std::error_code why = co_await b.closed();
        co_return why;
      });
      co_await settle();
      const std::uint64_t before = callbacks();
      a.shutdown();
      co_await many_polls();
      CHECK_FALSE(closed.done());
      CHECK(callbacks() - before <= 3);
      b.shutdown();
      const std::error_code why = co_await closed;
      CHECK(why == Errc::end_of_stream);
    }());
  }

  TEST_CASE("closed() after a half-close still hears a reset") {
    run([]() -> Coro<> {
      auto [a, b] = co_await tcp_pair();
      Task<std::error_code> closed =
          spawn([&]() -> Coro<std::error_code> { co_return co_await b.closed(); });
      co_await settle();
      a.shutdown();
      co_await many_polls();
      CHECK_FALSE(closed.done());
      a.close(Stream::CloseMode::abort);
      const std::error_code why = co_await closed;
      // The kernel says EPIPE for a reset that comes after a FIN.
      CHECK((why == std::errc::connection_reset || why == std::errc::broken_pipe));
    }());
  }

  TEST_CASE("closed() is told when this side closes") {
    run([]() -> Coro<> {
      auto [a, b] = co_await tcp_pair();
      Task<std::error_code> closed =
          spawn([&]() -> Coro<std::error_code> { co_return co_await b.closed(); });
      co_await settle();
      b.close();
      CHECK(co_await closed == Errc::closed);
    }());
  }

  TEST_CASE("data that nobody reads while one waits for closed() doesn't spin") {
    run([]() -> Coro<> {
      auto [a, b] = co_await tcp_pair();
      CHECK_FALSE(co_await move_on_after(1ms, [&]() -> Coro<> { (void)co_await b.recv(); }));
      Task<std::error_code> closed =
          spawn([&]() -> Coro<std::error_code> { co_return co_await b.closed(); });
      co_await settle();
      const std::uint64_t before = callbacks();
      for (int i = 0; i < 20; ++i) {
        CHECK((co_await a.send("x")).has_value());
        co_await many_polls();
      }
      CHECK(callbacks() - before <= 4);
      a.close(Stream::CloseMode::abort);
      CHECK(co_await closed == std::errc::connection_reset);
    }());
  }
}
