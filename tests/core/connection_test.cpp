#include <simul/connection.hpp>

#include <array>
#include <string>
#include <system_error>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

/// Runs `handler` as a server does: in a task of its own, supervised.
Task<> supervise(Connection& peer, Handler handler, Duration idle_timeout) {
  return spawn(
      [&peer, idle_timeout](Handler run) -> Coro<> {
        peer.supervise(co_await detail::this_task, idle_timeout);
        co_await run(peer);
      },
      std::move(handler));
}

Coro<> echo(Connection& peer) {
  while (auto chunk = co_await peer.recv()) {
    (void)co_await peer.send(*chunk);
  }
}

template <typename Result>
std::error_code error_of(const Result& result) {
  return result ? std::error_code() : result.error();
}

}  // namespace

TEST_SUITE("connection") {
  TEST_CASE("a silent peer is disconnected after the idle timeout, with that reason") {
    auto [near, far] = memory_stream_pair();
    run_virtual([&]() -> Coro<> {
      Connection peer(near, Endpoint(), 7);
      CHECK(peer.id() == 7);
      const TimePoint start = Loop::current().exact_now();
      Task<> handler = supervise(peer, echo, 5s);
      std::string text;
      try {
        co_await handler;
      } catch (const TaskCancelled& cancelled) {
        text = cancelled.what();
      }
      CHECK(text == "cancelled: idle timeout");
      CHECK(Loop::current().exact_now() - start == 5s);
      CHECK(peer.close_reason() == CloseReason::idle_timeout);
    });
  }

  TEST_CASE("any byte that comes starts the silence anew") {
    auto [near, far] = memory_stream_pair();
    run_virtual([&]() -> Coro<> {
      Connection peer(near, Endpoint(), 1);
      const TimePoint start = Loop::current().exact_now();
      Task<> handler = supervise(peer, echo, 5s);
      for (int i = 0; i < 5; ++i) {
        co_await sleep(4s);
        CHECK((co_await far.send("x")).has_value());
        CHECK((co_await far.recv()).has_value());
        CHECK_FALSE(handler.done());
      }
      CHECK_THROWS_AS(co_await handler, TaskCancelled);
      CHECK(Loop::current().exact_now() - start == 25s);
      CHECK(peer.bytes_received() == 5);
      CHECK(peer.bytes_sent() == 5);
    });
  }

  TEST_CASE("bytes that go out count as well") {
    auto [near, far] = memory_stream_pair();
    run_virtual([&]() -> Coro<> {
      Connection peer(near, Endpoint(), 1);
      const TimePoint start = Loop::current().exact_now();
      Task<> handler = supervise(
          peer,
          [](Connection& c) -> Coro<> {
            for (int i = 0; i < 10; ++i) {
              co_await sleep(4s);
              (void)co_await c.send("tick");
            }
          },
          5s);
      co_await handler;
      CHECK(Loop::current().exact_now() - start == 40s);
      CHECK(peer.close_reason() == CloseReason::handler);
    });
  }

  TEST_CASE("a peer that doesn't read is silent") {
    auto [near, far] = memory_stream_pair(16);
    run_virtual([&]() -> Coro<> {
      Connection peer(near, Endpoint(), 1);
      Task<> handler = supervise(
          peer,
          [](Connection& c) -> Coro<> {
            const std::string much(1000, 'x');
            (void)co_await c.send(much);
          },
          5s);
      CHECK_THROWS_AS(co_await handler, TaskCancelled);
      CHECK(peer.close_reason() == CloseReason::idle_timeout);
      CHECK(peer.bytes_sent() == 16);
    });
  }

  TEST_CASE("without a timeout silence lasts for ever") {
    auto [near, far] = memory_stream_pair();
    run_virtual([&]() -> Coro<> {
      Connection peer(near, Endpoint(), 1);
      Task<> handler = supervise(peer, echo, 0s);
      co_await sleep(24h);
      CHECK_FALSE(handler.done());
      far.close();
      co_await handler;
    });
  }

  TEST_CASE("a protocol changes the idle timeout, and silence is counted from the last byte") {
    auto [near, far] = memory_stream_pair();
    run_virtual([&]() -> Coro<> {
      Connection peer(near, Endpoint(), 1);
      const TimePoint start = Loop::current().exact_now();
      Task<> handler = supervise(
          peer,
          [](Connection& c) -> Coro<> {
            CHECK(c.idle_timeout() == 60s);
            co_await sleep(3s);
            c.set_idle_timeout(5s);  // earlier
            CHECK(c.idle_timeout() == 5s);
            co_await sleep(1s);
            c.set_idle_timeout(30s);  // later: the timer that is armed finds out
            co_await sleep(20s);
            c.set_idle_timeout(25s);
            (void)co_await c.recv();
          },
          60s);
      CHECK_THROWS_AS(co_await handler, TaskCancelled);
      CHECK(peer.close_reason() == CloseReason::idle_timeout);
      CHECK(Loop::current().exact_now() - start == 25s);
    });
  }

  TEST_CASE(
      "a timeout that has passed by the time it is set ends the connection, unless bytes move") {
    for (const bool sends : {false, true}) {
      CAPTURE(sends);
      auto [near, far] = memory_stream_pair();
      run_virtual([&]() -> Coro<> {
        Connection peer(near, Endpoint(), 1);
        const TimePoint start = Loop::current().exact_now();
        Task<> handler = supervise(
            peer,
            [&](Connection& c) -> Coro<> {
              c.set_idle_timeout(0s);
              co_await sleep(1h);  // it works, and its peer waits for it
              c.set_idle_timeout(5s);
              if (sends) {
                (void)co_await c.send("done");
              }
              (void)co_await c.recv();
            },
            10s);
        CHECK_THROWS_AS(co_await handler, TaskCancelled);
        CHECK(Loop::current().exact_now() - start == (sends ? 1h + 5s : 1h + 0s));
      });
    }
  }

  TEST_CASE("the idle timeout may go back and forth for each message") {
    auto [near, far] = memory_stream_pair();
    run_virtual([&]() -> Coro<> {
      Connection peer(near, Endpoint(), 1);
      const TimePoint start = Loop::current().exact_now();
      Task<> handler = supervise(
          peer,
          [](Connection& c) -> Coro<> {
            for (;;) {
              c.set_idle_timeout(5s);
              auto message = co_await c.recv();
              c.set_idle_timeout(0s);
              co_await sleep(20s);
              c.set_idle_timeout(60s);
              (void)co_await c.send(*message);
            }
          },
          0s);
      for (int i = 0; i < 3; ++i) {
        co_await sleep(4s);
        CHECK((co_await far.send("x")).has_value());
        CHECK((co_await far.recv()).has_value());
      }
      CHECK_THROWS_AS(co_await handler, TaskCancelled);
      CHECK(Loop::current().exact_now() - start == 3 * 24s + 5s);
    });
  }

  TEST_CASE("without a server an idle timeout is only remembered") {
    auto [near, far] = memory_stream_pair();
    run_virtual([&]() -> Coro<> {
      Connection peer(near, Endpoint(), 1);
      CHECK(peer.idle_timeout() == 0s);
      peer.set_idle_timeout(5s);
      CHECK(peer.idle_timeout() == 5s);
      CHECK(error_of(co_await peer.recv_until(Loop::current().exact_now() + 1h)) ==
            std::errc::timed_out);
      const auto pieces =
          std::array{as_bytes(std::string_view("a")), as_bytes(std::string_view("b"))};
      CHECK((co_await peer.send_until(pieces, kNever)).has_value());
      CHECK((co_await far.recv())->text() == "ab");
    });
  }

  TEST_CASE("drain wakes recv_message, but not recv") {
    auto [near, far] = memory_stream_pair();
    auto [near2, far2] = memory_stream_pair();
    run_virtual([&]() -> Coro<> {
      Connection between(near, Endpoint(), 1);
      Connection inside(near2, Endpoint(), 2);
      std::error_code error;
      Task<> first = supervise(
          between,
          [&](Connection& c) -> Coro<> {
            auto message = co_await c.recv_message();
            error = message ? std::error_code() : message.error();
          },
          0s);
      Task<> second = supervise(
          inside,
          [&](Connection& c) -> Coro<> {
            auto rest = co_await c.recv();
            CHECK(rest->text() == "rest");
          },
          0s);
      co_await settle();
      CHECK_FALSE(between.is_draining());
      between.drain();
      inside.drain();
      CHECK(between.is_draining());
      co_await first;
      CHECK(error == Errc::draining);
      co_await settle();
      CHECK_FALSE(second.done());
      (void)co_await far2.send("rest");
      co_await second;
    });
  }

  TEST_CASE("whoever waits for a drain is told, in the middle of a message as well") {
    auto [near, far] = memory_stream_pair();
    auto [near2, far2] = memory_stream_pair();
    run_virtual([&]() -> Coro<> {
      Connection peer(near, Endpoint(), 1);
      Connection other(near2, Endpoint(), 2);
      std::string order;
      const auto wait = [&](Connection& connection, char name) -> Coro<> {
        co_await connection.draining();
        order += name;
      };
      Task<> first = spawn(wait, std::ref(peer), 'a');
      Task<> second = spawn(wait, std::ref(peer), 'b');
      Task<> elsewhere = spawn(wait, std::ref(other), 'x');
      Task<> cancelled = spawn(wait, std::ref(peer), 'y');
      co_await settle();
      CHECK(order.empty());
      cancelled.cancel();
      co_await settle();
      CHECK(cancelled.done());
      peer.drain();
      co_await first;
      co_await second;
      CHECK(order == "ab");
      co_await wait(peer, 'c');  // it drains already: nothing to wait for
      CHECK(order == "abc");
      CHECK_FALSE(elsewhere.done());
      elsewhere.cancel();
      co_await settle();
      CHECK(elsewhere.done());
      other.drain();  // nobody waits any more
    });
  }

  TEST_CASE("a message that has come is given, even when the server drains") {
    for (const bool socket : {false, true}) {
      CAPTURE(socket);
      auto memory = memory_stream_pair();
      auto sockets = socket_pair();
      run([&]() -> Coro<> {
        Stream& near = socket ? static_cast<Stream&>(sockets.first) : memory.first;
        Stream& far = socket ? static_cast<Stream&>(sockets.second) : memory.second;
        Connection peer(near, Endpoint(), 1);
        Task<> handler = supervise(
            peer,
            [&](Connection& c) -> Coro<> {
              auto first = co_await c.recv_message();
              CHECK(first->text() == "first");
              // The first one was read to its end, so that the next attempt could be spared; but then ...
              CHECK((co_await far.send("second")).has_value());
              c.drain();
              auto second = co_await c.recv_message();
              REQUIRE(second.has_value());
              CHECK(second->text() == "second");
              auto third = co_await c.recv_message();
              CHECK(third.error() == Errc::draining);
            },
            0s);
        co_await settle();
        CHECK((co_await far.send("first")).has_value());
        co_await handler;
      }());
    }
  }

  TEST_CASE("a message that comes together with the drain is given") {
    auto [near, far] = memory_stream_pair();
    run_virtual([&]() -> Coro<> {
      Connection peer(near, Endpoint(), 1);
      std::string got;
      Task<> handler = supervise(
          peer,
          [&](Connection& c) -> Coro<> {
            auto message = co_await c.recv_message();
            got = message ? std::string(message->text()) : message.error().message();
          },
          0s);
      co_await settle();
      (void)co_await far.send("just in time");
      peer.drain();
      co_await handler;
      CHECK(got == "just in time");
    });
  }

  TEST_CASE("a cancelled recv_message leaves nothing behind") {
    auto [near, far] = memory_stream_pair();
    run_virtual([&]() -> Coro<> {
      Connection peer(near, Endpoint(), 1);
      CHECK_FALSE(
          co_await move_on_after(1s, [&]() -> Coro<> { (void)co_await peer.recv_message(); }));
      peer.drain();
      co_await settle();
    });
  }

  TEST_CASE("end() cancels the handler, and the first reason counts") {
    auto [near, far] = memory_stream_pair();
    run_virtual([&]() -> Coro<> {
      Connection peer(near, Endpoint(), 1);
      Task<> handler = supervise(peer, echo, 5s);
      co_await settle();
      peer.end(CloseReason::shutdown);
      peer.end(CloseReason::failed);
      try {
        co_await handler;
      } catch (const TaskCancelled& cancelled) {
        CHECK(std::string(cancelled.what()) == "cancelled: shutdown");
      }
      CHECK(peer.close_reason() == CloseReason::shutdown);
    });
  }
}
