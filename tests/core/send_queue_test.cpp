#include <simul/send_queue.hpp>

#include <array>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "stream_pairs.hpp"

using namespace simul;
using namespace simul::test;

namespace {

using Result = std::expected<void, std::error_code>;

/// A queue in front of one end of a memory stream, and its writer.
struct Stage {
  explicit Stage(std::size_t capacity, SendQueueOptions options = {})
      : pair(memory_stream_pair(capacity)), queue(pair.first, options) {}

  void start() {
    auto run = [this]() -> Coro<Result> { co_return co_await queue.run(); };
    writer = spawn(std::move(run));
  }

  MemoryStream& near() { return pair.first; }
  MemoryStream& far() { return pair.second; }

  std::pair<MemoryStream, MemoryStream> pair;
  SendQueue queue;
  Task<Result> writer;
};

/// Fills the stream, so that nothing of the queue can be sent.
Coro<> block(Stage& stage, std::size_t capacity) {
  const std::string filler(capacity, '.');
  (void)co_await stage.near().send(filler);
}

}  // namespace

TEST_SUITE("send queue") {
  TEST_CASE_TEMPLATE("messages arrive whole and in order, then the end", Kind, Unix, Tcp, Memory,
                     TinyMemory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      SendQueue queue(a, {.high_water = 1000, .low_water = 100});
      auto write = [&]() -> Coro<> {
        const Result end = co_await queue.run();
        CHECK(end.has_value());
        a.shutdown();
      };
      Task<> writer = spawn(write);
      std::string expected;
      auto push = [&]() -> Coro<> {
        for (std::size_t i = 0; i < 300; ++i) {
          const std::string message = pattern(i % 97, i);
          expected += message;
          const Result pushed = co_await queue.push(message);
          CHECK(pushed.has_value());
          CHECK(queue.queued_bytes() <= 1000);
        }
        queue.close();
      };
      Task<> pusher = spawn(push);
      const std::string got = co_await everything_of(b);
      co_await pusher;
      co_await writer;
      const bool equal = got == expected;
      CHECK(equal);
      CHECK(queue.queued_bytes() == 0);
    });
  }

  TEST_CASE("what was pushed in one turn leaves with one send, however many queues share it") {
    run_virtual([]() -> Coro<> {
      Stage stage(1 << 16);
      stage.start();
      const auto message = std::make_shared<const std::string>("news ");
      for (int i = 0; i < 64; ++i) {
        CHECK_FALSE(stage.queue.try_push(message));
      }
      CHECK(message.use_count() == 65);
      CHECK((co_await stage.queue.flush()).has_value());
      CHECK(stage.near().counts().send == 1);
      CHECK(message.use_count() == 1);
      CHECK(stage.far().pending() == 64 * 5);
      stage.queue.close();
      CHECK((co_await stage.writer).has_value());
    });
  }

  TEST_CASE("push waits while it is full, first come, first served, until the low water mark") {
    run_virtual([]() -> Coro<> {
      Stage stage(4, {.high_water = 8, .low_water = 2});
      co_await block(stage, 4);
      stage.start();
      Trace trace;
      auto push = [&](std::string message) -> Coro<> {
        const Result pushed = co_await stage.queue.push(message);
        trace(pushed ? message : "failed");
      };
      Task<> first = spawn(push, "aaaa");
      Task<> second = spawn(push, "bbb");
      Task<> third = spawn(push, "cccc");
      Task<> fourth = spawn(push, "d");
      co_await settle();
      CHECK(trace.text() == "aaaa bbb");  // the fourth would fit, but isn't served before the third
      CHECK(stage.queue.try_push("e") == Errc::queue_full);
      CHECK(co_await bytes_of(stage.far(), 4) == "....");
      co_await settle();
      CHECK(stage.queue.queued_bytes() == 3);
      CHECK(trace.text() == "aaaa bbb");  // 3 is more than the low water mark
      CHECK(co_await bytes_of(stage.far(), 4) == "aaaa");
      co_await settle();
      CHECK(trace.text() == "aaaa bbb cccc d");
      stage.queue.close();
      auto drain = [&]() -> Coro<std::string> { co_return co_await everything_of(stage.far()); };
      Task<std::string> rest = spawn(drain);
      CHECK((co_await stage.writer).has_value());
      stage.near().shutdown();
      CHECK(co_await rest == "bbbccccd");
    });
  }

  TEST_CASE("a small queue needs no word about its low water mark; a wrong one is refused") {
    auto [near, far] = memory_stream_pair();
    const SendQueue small(near, {.high_water = 10});
    CHECK_THROWS_AS(SendQueue(near, {.high_water = 10, .low_water = 11}), std::invalid_argument);
  }

  TEST_CASE("one who gives up passes the turn on: the next may be smaller") {
    run_virtual([]() -> Coro<> {
      Stage stage(2, {.high_water = 8, .low_water = 4});
      CHECK_FALSE(stage.queue.try_push("1234"));
      auto push = [&](std::string message) -> Coro<> { (void)co_await stage.queue.push(message); };
      Task<> large = spawn(push, "larger");
      Task<> small = spawn(push, "ok");
      co_await settle();
      CHECK_FALSE(small.done());
      large.cancel();
      co_await small;
      CHECK(stage.queue.queued_bytes() == 6);
    });
  }

  TEST_CASE("a message longer than the queue is taken when it is empty") {
    run_virtual([]() -> Coro<> {
      Stage stage(4, {.high_water = 8, .low_water = 8});
      CHECK_FALSE(stage.queue.try_push("0123456789"));
      CHECK(stage.queue.try_push("x") == Errc::queue_full);
      CHECK(stage.queue.try_push("0123456789") == Errc::queue_full);
      stage.start();
      CHECK(co_await bytes_of(stage.far(), 10) == "0123456789");
      CHECK_FALSE(stage.queue.try_push(std::string()));
      stage.queue.close();
      CHECK((co_await stage.writer).has_value());
    });
  }

  TEST_CASE("drop_oldest makes room, but never cuts a message that is on its way") {
    run_virtual([]() -> Coro<> {
      Stage stage(2, {.high_water = 9, .low_water = 4, .when_full = WhenFull::drop_oldest});
      stage.start();
      CHECK_FALSE(stage.queue.try_push("one "));
      co_await settle();
      CHECK(stage.queue.queued_bytes() == 2);  // half of it has gone
      CHECK_FALSE(stage.queue.try_push("two "));
      CHECK_FALSE(stage.queue.try_push("333"));
      CHECK_FALSE(stage.queue.try_push("4"));
      CHECK(stage.queue.dropped() == 1);
      CHECK_FALSE(stage.queue.try_push("55555"));
      CHECK(stage.queue.dropped() == 2);
      CHECK(stage.queue.queued_bytes() == 8);
      CHECK(stage.queue.try_push("88888888") ==
            Errc::queue_full);  // dropping all would not be enough
      CHECK(stage.queue.dropped() == 2);
      CHECK_FALSE(stage.queue.try_push("7777777"));
      CHECK(stage.queue.dropped() == 4);
      stage.queue.close();
      CHECK(co_await bytes_of(stage.far(), 11) == "one 7777777");
      CHECK((co_await stage.writer).has_value());
    });
  }

  TEST_CASE("a reader that can't keep up is thrown out where that is wanted") {
    run_virtual([]() -> Coro<> {
      Stage stage(2, {.high_water = 4, .low_water = 0, .when_full = WhenFull::close});
      stage.start();
      CHECK_FALSE(stage.queue.try_push("1234"));
      co_await settle();
      auto wait = [&]() -> Coro<> {
        const Result pushed = co_await stage.queue.push("wait");
        CHECK(pushed.error() == Errc::queue_full);
      };
      Task<> waiting = spawn(wait);
      co_await settle();
      CHECK(stage.queue.try_push("5678") == Errc::queue_full);
      CHECK(stage.queue.try_push("x") == Errc::queue_full);
      co_await waiting;
      CHECK((co_await stage.writer).error() == Errc::queue_full);
      CHECK((co_await stage.far().recv()).error() == std::errc::connection_reset);
      CHECK((co_await stage.near().recv()).error() == Errc::closed);
    });
  }

  TEST_CASE("a failure of the stream reaches who pushes, who waits to, and who flushes") {
    run_virtual([]() -> Coro<> {
      Stage stage(2, {.high_water = 4, .low_water = 0});
      stage.start();
      CHECK_FALSE(stage.queue.try_push("1234"));
      auto push = [&]() -> Coro<> {
        const Result pushed = co_await stage.queue.push("5678");
        CHECK(pushed.error() == std::errc::connection_reset);
      };
      auto flush = [&]() -> Coro<> {
        const Result flushed = co_await stage.queue.flush();
        CHECK(flushed.error() == std::errc::connection_reset);
      };
      Task<> pusher = spawn(push);
      Task<> flusher = spawn(flush);
      co_await settle();
      stage.far().close(Stream::CloseMode::abort);
      co_await pusher;
      co_await flusher;
      CHECK((co_await stage.writer).error() == std::errc::connection_reset);
      CHECK(stage.queue.try_push("x") == std::errc::connection_reset);
      CHECK((co_await stage.queue.push("x")).error() == std::errc::connection_reset);
      CHECK((co_await stage.queue.flush()).error() == std::errc::connection_reset);
      CHECK(stage.queue.queued_bytes() == 0);
    });
  }

  TEST_CASE("close refuses more, sends what is queued, and wakes who waits") {
    run_virtual([]() -> Coro<> {
      Stage stage(2, {.high_water = 4, .low_water = 0});
      stage.start();
      CHECK_FALSE(stage.queue.try_push("1234"));
      auto push = [&]() -> Coro<> {
        const Result pushed = co_await stage.queue.push("5678");
        CHECK(pushed.error() == Errc::closed);
      };
      Task<> pusher = spawn(push);
      co_await settle();
      stage.queue.close();
      co_await pusher;
      CHECK(stage.queue.try_push("x") == Errc::closed);
      CHECK(co_await bytes_of(stage.far(), 4) == "1234");
      CHECK((co_await stage.queue.flush()).has_value());
      CHECK((co_await stage.writer).has_value());
      CHECK((co_await stage.queue.flush()).has_value());
      CHECK((co_await stage.near().send("!")).has_value());  // the stream goes on
    });
  }

  TEST_CASE("an idle queue ends when it is closed") {
    run_virtual([]() -> Coro<> {
      Stage stage(2);
      stage.start();
      co_await settle();
      stage.queue.close();
      CHECK((co_await stage.writer).has_value());
    });
  }

  TEST_CASE("flush waits for what was pushed before, not for what comes after") {
    run_virtual([]() -> Coro<> {
      Stage stage(2);
      CHECK((co_await stage.queue.flush()).has_value());
      stage.start();
      CHECK_FALSE(stage.queue.try_push("123"));
      auto flush = [&]() -> Coro<> {
        const Result flushed = co_await stage.queue.flush();
        CHECK(flushed.has_value());
      };
      Task<> flusher = spawn(flush);
      co_await yield_now();
      CHECK_FALSE(stage.queue.try_push("4567"));
      co_await settle();
      CHECK_FALSE(flusher.done());
      CHECK(co_await bytes_of(stage.far(), 2) == "12");
      co_await flusher;
      CHECK(stage.queue.queued_bytes() == 3);
      CHECK(co_await bytes_of(stage.far(), 5) == "34567");
      stage.queue.close();
      CHECK((co_await stage.writer).has_value());
    });
  }

  TEST_CASE("misuse is an error at once") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      CHECK_THROWS_AS(SendQueue(near, {.high_water = 1, .low_water = 2}), std::invalid_argument);
      Stage stage(2);
      stage.start();
      co_await settle();
      CHECK_THROWS_AS((void)co_await stage.queue.run(), std::logic_error);
      stage.queue.close();
      CHECK((co_await stage.writer).has_value());
    });
  }
}

TEST_SUITE("send queue, cancelled") {
  TEST_CASE("push: what was said to be queued arrives once and in order, what was cut does not") {
    for (const std::size_t capacity : {1u, 2u, 3u, 5u, 7u}) {
      CAPTURE(capacity);
      const std::size_t rounds = cancel_everywhere([&](Cut& cut) -> Coro<> {
        CAPTURE(cut.round());
        Stage stage(capacity, {.high_water = 6, .low_water = 3});
        stage.start();
        std::string mine;
        std::string others;
        auto victim = [&]() -> Coro<> {
          for (const std::string_view message : {"a1;", "a2;", "a3long;", "a4;"}) {
            const Result pushed = co_await stage.queue.push(std::string(message));
            CHECK(pushed.has_value());
            mine += message;
          }
        };
        auto other = [&]() -> Coro<> {
          for (const std::string_view message : {"b1;", "b2long;", "b3;"}) {
            const Result pushed = co_await stage.queue.push(std::string(message));
            CHECK(pushed.has_value());
            others += message;
          }
        };
        auto read = [&]() -> Coro<std::string> { co_return co_await everything_of(stage.far()); };
        Task<std::string> reader = spawn(read);
        Task<> rival = spawn(other);
        co_await cut.run(victim);
        co_await rival;
        stage.queue.close();
        CHECK((co_await stage.writer).has_value());
        stage.near().shutdown();
        const std::string got = co_await reader;
        std::string from_a;
        std::string from_b;
        for (std::size_t at = 0; at < got.size();) {
          const std::size_t end = got.find(';', at) + 1;
          (got[at] == 'a' ? from_a : from_b) += got.substr(at, end - at);
          at = end;
        }
        CHECK(from_a == mine);
        CHECK(from_b == others);
        CHECK(others == "b1;b2long;b3;");
      });
      CHECK(rounds > 5);
    }
  }

  TEST_CASE("flush: nothing is lost, and the next one is told") {
    cancel_everywhere([](Cut& cut) -> Coro<> {
      Stage stage(2);
      stage.start();
      CHECK_FALSE(stage.queue.try_push("1234567"));
      Task<std::string> reader =
          spawn([&]() -> Coro<std::string> { co_return co_await bytes_of(stage.far(), 7); });
      auto victim = [&]() -> Coro<> {
        const Result flushed = co_await stage.queue.flush();
        CHECK(flushed.has_value());
        CHECK(stage.queue.queued_bytes() == 0);
      };
      auto flush = [&]() -> Coro<> {
        const Result flushed = co_await stage.queue.flush();
        CHECK(flushed.has_value());
        CHECK(stage.queue.queued_bytes() == 0);
      };
      Task<> next = spawn(flush);
      co_await cut.run(victim);
      CHECK(co_await reader == "1234567");
      co_await next;
      stage.queue.close();
      CHECK((co_await stage.writer).has_value());
    });
  }

  TEST_CASE("run: nobody goes on waiting, and half a message is never followed by another") {
    for (const std::size_t capacity : {1u, 2u, 3u, 5u, 7u}) {
      CAPTURE(capacity);
      const std::size_t rounds = cancel_everywhere([&](Cut& cut) -> Coro<> {
        CAPTURE(cut.round());
        Stage stage(capacity, {.high_water = 6, .low_water = 3});
        const std::string all = "1111;2222;3333;4444;";
        std::size_t refused = 0;
        auto push = [&]() -> Coro<> {
          for (std::size_t at = 0; at < all.size(); at += 5) {
            const Result pushed = co_await stage.queue.push(all.substr(at, 5));
            if (!pushed) {
              CHECK(pushed.error() == Errc::closed);
              ++refused;
            }
          }
          const Result flushed = co_await stage.queue.flush();
          if (flushed && refused == 0) {
            stage.queue.close();
          }
        };
        auto read = [&]() -> Coro<std::string> { co_return co_await everything_of(stage.far()); };
        Task<std::string> reader = spawn(read);
        Task<> pusher = spawn(push);
        auto victim = [&]() -> Coro<> {
          const Result end = co_await stage.queue.run();
          CHECK(end.has_value());
        };
        const bool ended = co_await cut.run(victim);
        stage.queue.close();  // in case that it never ran
        if (stage.near().bytes_accepted() == 0 && !pusher.done()) {
          pusher.cancel();
          try {
            co_await pusher;
          } catch (const TaskCancelled&) {
          }
        } else {
          co_await pusher;
        }
        const std::size_t accepted = stage.near().bytes_accepted();
        const auto after = co_await stage.near().send("!");
        CHECK(after.has_value() == (accepted % 5 == 0));
        stage.near().shutdown();
        CHECK(co_await reader == all.substr(0, accepted) + (after ? "!" : ""));
        CHECK((!ended || accepted == all.size()));
      });
      CHECK(rounds > 3);
    }
  }
}
