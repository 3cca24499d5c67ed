// One suite for all kinds of stream: a contract, with the same words for each.
#include <simul/stream.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <utility>

#include "stream_pairs.hpp"

using namespace simul;
using namespace simul::test;

TEST_SUITE("streams") {
  TEST_CASE_TEMPLATE("bytes arrive in order, in both directions", Kind, Unix, Tcp, Memory,
                     TinyMemory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      Task<> answer = spawn([&]() -> Coro<> {
        const std::string question = co_await bytes_of(b, 8);
        CHECK(question == "question");
        CHECK((co_await b.send("answer")).has_value());
      });
      CHECK((co_await a.send("question")).has_value());
      CHECK(co_await bytes_of(a, 6) == "answer");
      co_await answer;
      CHECK(a.bytes_accepted() == 8);
      CHECK(a.bytes_received() == 6);
      CHECK(b.bytes_accepted() == 6);
    });
  }

  TEST_CASE_TEMPLATE("recv fills the caller's memory, never with nothing", Kind, Unix, Tcp, Memory,
                     TinyMemory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      Task<> sender = spawn([&]() -> Coro<> { CHECK((co_await a.send("hello")).has_value()); });
      std::string text;
      std::array<std::byte, 2> buffer{};
      while (text.size() < 5) {
        auto count = co_await b.recv(buffer);
        REQUIRE(count.has_value());
        CHECK(*count > 0);
        text += as_text(Bytes(buffer).first(*count));
      }
      CHECK(text == "hello");
      co_await sender;
    });
  }

  TEST_CASE_TEMPLATE("the end of the stream comes after all bytes, and again", Kind, Unix, Tcp,
                     Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      CHECK((co_await a.send("last words")).has_value());
      CHECK_FALSE(a.shutdown());
      CHECK(co_await everything_of(b) == "last words");
      CHECK((co_await b.recv()).error() == Errc::end_of_stream);
      std::array<std::byte, 8> buffer{};
      CHECK((co_await b.recv(buffer)).error() == Errc::end_of_stream);
    });
  }

  TEST_CASE_TEMPLATE("a half-close leaves the other direction open", Kind, Unix, Tcp, Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      a.shutdown();
      CHECK(co_await everything_of(b) == "");
      CHECK((co_await b.send("still")).has_value());
      b.shutdown();
      CHECK(co_await everything_of(a) == "still");
      auto sent = co_await a.send("no");
      REQUIRE_FALSE(sent.has_value());
      CHECK(sent.error() == std::errc::broken_pipe);
    });
  }

  TEST_CASE_TEMPLATE("a close of the peer ends the stream", Kind, Unix, Tcp, Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      Task<std::string> reader =
          spawn([&]() -> Coro<std::string> { co_return co_await everything_of(b); });
      co_await settle();
      CHECK((co_await a.send("bye")).has_value());
      a.close();
      a.close();  // harmless
      CHECK(co_await reader == "bye");
    });
  }

  TEST_CASE_TEMPLATE("an abort is a reset for the peer, and no clean end", Kind, Tcp, Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      Task<> reader = spawn([&]() -> Coro<> {
        auto chunk = co_await b.recv();
        REQUIRE_FALSE(chunk.has_value());
        CHECK(chunk.error() == std::errc::connection_reset);
        auto sent = co_await b.send("x");
        REQUIRE_FALSE(sent.has_value());
        CHECK(sent.error() == std::errc::connection_reset);
        CHECK((co_await b.recv()).error() == std::errc::connection_reset);
        CHECK(co_await b.closed() == std::errc::connection_reset);
      });
      co_await settle();
      a.close(Stream::CloseMode::abort);
      co_await reader;
    });
  }

  TEST_CASE_TEMPLATE("close wakes reader, writer and closed() of its own side with Errc::closed",
                     Kind, Unix, Tcp, Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      (void)b;
      const std::string much(16 << 20, 'x');
      int woken = 0;
      Task<> reader = spawn([&]() -> Coro<> {
        CHECK((co_await a.recv()).error() == Errc::closed);
        ++woken;
      });
      Task<> writer = spawn([&]() -> Coro<> {
        CHECK((co_await a.send(much)).error() == Errc::closed);
        ++woken;
      });
      Task<> watcher = spawn([&]() -> Coro<> {
        CHECK(co_await a.closed() == Errc::closed);
        ++woken;
      });
      co_await settle(20);
      CHECK(woken == 0);
      a.close();
      co_await reader;
      co_await writer;
      co_await watcher;
      CHECK(woken == 3);
    });
  }

  TEST_CASE_TEMPLATE("after a close everything says closed, whatever came before", Kind, Unix, Tcp,
                     Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      CHECK_FALSE(co_await move_on_after(1ms, [&]() -> Coro<> { (void)co_await a.recv(); }));
      CHECK((co_await b.send("x")).has_value());
      CHECK((co_await a.recv())->text() == "x");  // all there was: the next attempt could be spared
      a.close();
      CHECK((co_await a.recv()).error() == Errc::closed);
      CHECK((co_await a.send("x")).error() == Errc::closed);
      CHECK((co_await a.send_some(as_bytes("x"))).error() == Errc::closed);
      CHECK(co_await a.closed() == Errc::closed);
      CHECK(a.shutdown() == Errc::closed);
    });
  }

  TEST_CASE_TEMPLATE("unread gives bytes back: the next recv returns them first", Kind, Unix, Tcp,
                     Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      CHECK((co_await a.send("line\nrest")).has_value());
      auto chunk = co_await b.recv();
      REQUIRE(chunk.has_value());
      CHECK(chunk->text() == "line\nrest");
      chunk->consume(5);
      b.unread(std::move(*chunk));
      CHECK((co_await a.send(" more")).has_value());
      std::array<std::byte, 2> buffer{};
      auto count = co_await b.recv(buffer);
      CHECK(as_text(Bytes(buffer).first(*count)) == "re");
      CHECK((co_await b.recv())->text() == "st");
      CHECK(co_await bytes_of(b, 5) == " more");
    });
  }

  TEST_CASE_TEMPLATE("what was given back last comes first", Kind, Unix, Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      CHECK((co_await a.send("cd")).has_value());
      auto last = co_await b.recv();
      Chunk first = Chunk::lease();
      first.space()[0] = std::byte{'a'};
      first.space()[1] = std::byte{'b'};
      first.commit(2);
      b.unread(std::move(*last));
      b.unread(std::move(first));
      b.unread(Chunk());  // nothing is always welcome
      CHECK((co_await b.recv())->text() == "ab");
      auto moved = std::move(b);
      CHECK((co_await moved.recv())->text() == "cd");
      CHECK(moved.bytes_received() == 2);  // only what the stream gave counts
    });
  }

  TEST_CASE_TEMPLATE("a stream that moves takes along what was given back, counted and cut off",
                     Kind, Unix, Tcp, Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      CHECK((co_await a.send("abc")).has_value());
      auto chunk = co_await b.recv();
      b.unread(std::move(*chunk));
      auto moved = std::move(b);
      CHECK((co_await moved.recv())->text() == "abc");
      CHECK(moved.bytes_received() == 3);
      const std::string much(16 << 20, 'x');
      CHECK_FALSE(co_await move_on_after(1ms, [&]() -> Coro<> { (void)co_await a.send(much); }));
      const std::uint64_t accepted = a.bytes_accepted();
      CHECK(accepted > 3);
      auto cut = std::move(a);
      CHECK(cut.bytes_accepted() == accepted);
      CHECK((co_await cut.send("x")).error() == Errc::broken_stream);
    });
  }

  TEST_CASE_TEMPLATE("a cancelled recv loses nothing", Kind, Unix, Tcp, Memory, TinyMemory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      const std::string all = pattern(5'000);
      std::string got;
      std::size_t sent = 0;
      for (int round = 0; got.size() < all.size(); ++round) {
        Task<> reader = spawn([&]() -> Coro<> {
          for (;;) {
            auto chunk = co_await b.recv();
            REQUIRE(chunk.has_value());
            got += chunk->text();
          }
        });
        for (int i = 0; i < round % 4; ++i) {
          co_await yield_now();
        }
        const std::size_t count =
            std::min<std::size_t>(1 + static_cast<std::size_t>(round) % 97, all.size() - sent);
        if (count > 0) {
          auto some = co_await move_on_after(1ms, [&]() -> Coro<std::size_t> {
            auto moved = co_await a.send_some(as_bytes(all).subspan(sent, count));
            co_return moved.value();
          });
          sent += some.value_or(0);
        }
        for (int i = 0; i < round % 3; ++i) {
          co_await yield_now();
        }
        reader.cancel();
        CHECK_THROWS_AS(co_await reader, TaskCancelled);
      }
      CHECK(got == all);
    });
  }

  TEST_CASE_TEMPLATE("two readers, or two writers, are an error and no race", Kind, Unix, Tcp,
                     Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      Task<std::string> first =
          spawn([&]() -> Coro<std::string> { co_return co_await bytes_of(a, 1); });
      co_await settle();
      CHECK_THROWS_AS((void)co_await a.recv(), std::logic_error);
      std::array<std::byte, 1> buffer{};
      CHECK_THROWS_AS((void)co_await a.recv(buffer), std::logic_error);
      CHECK((co_await b.send("x")).has_value());
      CHECK(co_await first == "x");

      const std::string much(16 << 20, 'x');
      Task<> writer = spawn([&]() -> Coro<> { (void)co_await a.send(much); });
      co_await settle(20);
      CHECK_FALSE(writer.done());
      CHECK_THROWS_AS((void)co_await a.send("y"), std::logic_error);
      CHECK_THROWS_AS((void)co_await a.send_some(as_bytes("y")), std::logic_error);
      writer.cancel();
      CHECK_THROWS_AS(co_await writer, TaskCancelled);
      // After both have gone the stream is free for the next.
      Task<std::string> next =
          spawn([&]() -> Coro<std::string> { co_return co_await bytes_of(a, 1); });
      co_await settle();
      CHECK((co_await b.send("z")).has_value());
      CHECK(co_await next == "z");
    });
  }

  TEST_CASE_TEMPLATE("closed() waits for the end of both directions", Kind, Unix, Tcp, Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      Task<std::error_code> gone =
          spawn([&]() -> Coro<std::error_code> { co_return co_await b.closed(); });
      co_await settle();
      CHECK((co_await a.send("not read")).has_value());
      a.shutdown();
      co_await settle(20);
      CHECK_FALSE(gone.done());
      b.shutdown();
      CHECK(co_await gone == Errc::end_of_stream);
      CHECK(co_await everything_of(b) == "not read");
    });
  }

  TEST_CASE_TEMPLATE("closed() can be cancelled and awaited again", Kind, Unix, Tcp, Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(co_await move_on_after(1ms, [&]() -> Coro<> { (void)co_await b.closed(); }));
      }
      a.shutdown();
      CHECK_FALSE(co_await move_on_after(1ms, [&]() -> Coro<> { (void)co_await b.closed(); }));
      b.shutdown();
      CHECK(co_await b.closed() == Errc::end_of_stream);
    });
  }
}
