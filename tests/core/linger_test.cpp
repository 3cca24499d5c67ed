#include <cerrno>
#include <string>
#include <utility>

#include <simul/stream.hpp>

#include "polls.hpp"

using namespace simul;
using namespace simul::test;

TEST_SUITE("linger") {
  TEST_CASE("it throws away what comes until the peer has ended, then closes") {
    run_virtual([]() -> Coro<> {
      auto [a, b] = memory_stream_pair(8);
      (void)co_await a.send("reply");
      Task<> peer = spawn([&]() -> Coro<> {
        (void)co_await b.send("much that nobody wants any more");
        co_await sleep(1s);
        CHECK((co_await b.recv())->text() == "reply");
        CHECK((co_await b.recv()).error() == Errc::end_of_stream);
        b.close();
      });
      const std::error_code end = co_await a.linger(5s);
      CHECK_FALSE(end);
      CHECK((co_await a.recv()).error() == Errc::closed);
      co_await peer;
    });
  }

  TEST_CASE("it closes at the deadline, however much still comes") {
    run_virtual([]() -> Coro<> {
      auto [a, b] = memory_stream_pair(8);
      Task<> peer = spawn([&]() -> Coro<> {
        while ((co_await b.send("x")).has_value()) {
          co_await sleep(1s);
        }
      });
      const TimePoint start = Loop::current().now();
      const std::error_code end = co_await a.linger(5s);
      CHECK(end == std::errc::timed_out);
      CHECK(Loop::current().now() - start == 5s);
      CHECK((co_await a.recv()).error() == Errc::closed);
      co_await peer;
    });
  }

  TEST_CASE("what was given back is thrown away too") {
    run_virtual([]() -> Coro<> {
      auto [a, b] = memory_stream_pair();
      (void)co_await b.send("line\nrest");
      CHECK(co_await a.read_line() == "line");
      b.close();
      CHECK_FALSE(co_await a.linger(5s));
      CHECK((co_await a.recv()).error() == Errc::closed);
    });
  }

  TEST_CASE("a reset is told, a stream that is closed already as well") {
    run([]() -> Coro<> {
      auto [a, b] = co_await tcp_pair();
      Task<std::error_code> end =
          spawn([&]() -> Coro<std::error_code> { co_return co_await a.linger(10s); });
      co_await settle();
      b.close(Stream::CloseMode::abort);
      const std::error_code why = co_await end;
      CHECK((why == std::errc::connection_reset || why == std::errc::broken_pipe));
      CHECK(co_await a.linger(10s) == Errc::closed);
    }());
  }

  TEST_CASE("cancelled anywhere, it has closed the stream") {
    cancel_everywhere([](Cut& cut) -> Coro<> {
      auto [a, b] = memory_stream_pair(3);
      Task<> peer = spawn([&]() -> Coro<> {
        (void)co_await b.send("12345678");
        (void)co_await b.recv();
        b.close();
      });
      bool begun = false;
      auto victim = [&]() -> Coro<> {
        begun = true;
        (void)co_await a.linger(5s);
      };
      co_await cut.run(victim);
      if (begun) {
        CHECK((co_await a.recv()).error() == Errc::closed);
      }
      a.close();
      co_await peer;
    });
  }

  TEST_CASE("over TCP the peer gets the reply and an end, where a plain close makes it a reset") {
    for (const bool lingers : {false, true}) {
      CAPTURE(lingers);
      run([](bool well) -> Coro<> {
        auto [server, client] = co_await tcp_pair();
        Task<> serving = spawn([&]() -> Coro<> {
          (void)co_await server.recv();  // a part of the request only
          (void)co_await server.send("no, thanks");
          if (well) {
            CHECK_FALSE(co_await server.linger(5s));
          } else {
            server.close();
          }
        });
        (void)co_await client.send(std::string(100'000, 'x'));
        if (!well) {
          co_await serving;
        }
        std::string got;
        std::error_code end;
        while (!end) {
          const auto chunk = co_await client.recv();
          chunk ? void(got += chunk->text()) : void(end = chunk.error());
        }
        if (well) {
          CHECK(got == "no, thanks");
        }
        CHECK((well ? end == Errc::end_of_stream : end == std::errc::connection_reset));
        client.close();
        co_await serving;
      }(lingers));
    }
  }
}
