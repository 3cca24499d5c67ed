// What is sent and received over TLS, and how connections end. (That a TlsStream is a Stream like all others
// is shown in testing/stream_conformance_test.cpp.)
#include <simul/tls_stream.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness.hpp"
#include "raw_tls.hpp"
#include "tls_pairs.hpp"

using namespace simul;
using namespace simul::test;

TEST_SUITE("tls") {
  TEST_CASE("what was sent arrives, then the end; without a goodbye it is truncated") {
    run_virtual([]() -> Coro<> {
      for (const bool goodbye : {true, false}) {
        auto [near, far] = memory_stream_pair();
        auto shared = std::make_unique<MemoryStream>(std::move(far));
        MemoryStream& wire = *shared;
        TlsEnds ends = co_await shake_hands(
            {std::make_unique<MemoryStream>(std::move(near)), std::move(shared)}, plain_server(),
            plain_client());
        CHECK((co_await (*ends.client)->send("last words")).has_value());
        if (goodbye) {
          (*ends.client)->shutdown();
        } else {
          wire.shutdown();
        }
        const auto words = co_await (*ends.server)->recv();
        REQUIRE(words.has_value());
        CHECK(words->text() == "last words");
        const auto end = co_await (*ends.server)->recv();
        REQUIRE_FALSE(end.has_value());
        CHECK(end.error() == (goodbye ? Errc::end_of_stream : Errc::truncated));
        CHECK((co_await (*ends.server)->recv()).error() == end.error());
        // The other direction is open.
        CHECK((co_await (*ends.server)->send("answer")).has_value());
        CHECK((co_await (*ends.client)->recv())->text() == "answer");
      }
    });
  }

  TEST_CASE("closed() goes on watching when a recv has come between") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      auto shared = std::make_unique<MemoryStream>(std::move(far));
      MemoryStream& wire = *shared;
      TlsEnds ends =
          co_await shake_hands({std::make_unique<MemoryStream>(std::move(near)), std::move(shared)},
                               plain_server(), plain_client());
      TlsStream& server = **ends.server;
      Task<std::error_code> gone =
          spawn([&]() -> Coro<std::error_code> { co_return co_await server.closed(); });
      co_await settle();
      Task<> reader = spawn([&]() -> Coro<> { CHECK((co_await server.recv()).has_value()); });
      co_await settle();
      CHECK((co_await (*ends.client)->send("x")).has_value());
      co_await reader;
      CHECK_FALSE(gone.done());
      wire.close(Stream::CloseMode::abort);
      CHECK(co_await gone == std::errc::connection_reset);
    });
  }

  TEST_CASE("a connection that is cut while unread bytes are there isn't closed in order") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      auto own = std::make_unique<MemoryStream>(std::move(near));
      auto shared = std::make_unique<MemoryStream>(std::move(far));
      MemoryStream& server_wire = *own;
      MemoryStream& client_wire = *shared;
      TlsEnds ends =
          co_await shake_hands({std::move(own), std::move(shared)}, plain_server(), plain_client());
      CHECK((co_await (*ends.client)->send("unread")).has_value());
      client_wire.shutdown();
      server_wire.shutdown();
      CHECK(co_await (*ends.server)->closed() == Errc::truncated);
      CHECK((co_await (*ends.server)->recv())->text() == "unread");
      CHECK((co_await (*ends.server)->recv()).error() == Errc::truncated);
    });
  }

  TEST_CASE("a reader and one who waits for the end come and go, over TLS over TLS") {
    run_virtual([]() -> Coro<> {
      TlsEnds inner = co_await shake_hands(memory_pair(), plain_server(), plain_client());
      TlsEnds outer = co_await shake_hands({std::move(*inner.server), std::move(*inner.client)},
                                           plain_server(), plain_client());
      TlsStream& server = **outer.server;
      TlsStream& client = **outer.client;
      for (int round = 0; round < 20; ++round) {
        Task<> gone = spawn([&]() -> Coro<> { (void)co_await server.closed(); });
        co_await settle();
        CHECK((co_await client.send("x")).has_value());
        if (round % 2 == 0) {
          CHECK((co_await server.recv()).has_value());  // at once, before the other hears of it
        }
        gone.cancel();
        CHECK_THROWS_AS(co_await gone, TaskCancelled);
        if (round % 2 == 1) {
          CHECK((co_await server.recv()).has_value());
        }
        co_await exchange(server, client);
      }
    });
  }

  TEST_CASE("a record that was changed on its way ends the connection, for reader and writer") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      auto shared = std::make_unique<MemoryStream>(std::move(far));
      MemoryStream& wire = *shared;
      TlsEnds ends =
          co_await shake_hands({std::make_unique<MemoryStream>(std::move(near)), std::move(shared)},
                               plain_server(), plain_client());
      const std::string record = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
      CHECK(wire.try_send(as_bytes(record), {}).bytes == record.size());
      const auto chunk = co_await (*ends.server)->recv();
      REQUIRE_FALSE(chunk.has_value());
      CHECK(chunk.error().message() == "decryption failed or bad record mac");
      const auto sent = co_await (*ends.server)->send("x");
      REQUIRE_FALSE(sent.has_value());
      CHECK(sent.error() == chunk.error());
    });
  }

  TEST_CASE("an error that somebody left in OpenSSL's queue says nothing about a connection") {
    run_virtual([]() -> Coro<> {
      TlsEnds ends = co_await shake_hands(memory_pair(), plain_server(), plain_client());
      TlsStream& server = **ends.server;
      TlsStream& client = **ends.client;
      const auto leave_error = [] { ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH); };
      leave_error();
      Task<> reader = spawn([&]() -> Coro<> {
        const auto chunk = co_await server.recv();
        REQUIRE(chunk.has_value());
        CHECK(chunk->text() == "x");
      });
      co_await settle();
      leave_error();
      CHECK((co_await client.send("x")).has_value());
      co_await reader;
      leave_error();
      client.shutdown();
      CHECK((co_await server.recv()).error() == Errc::end_of_stream);
      CHECK((co_await server.send("y")).has_value());
      CHECK((co_await client.recv())->text() == "y");
      leave_error();
      server.shutdown();
      CHECK((co_await client.recv()).error() == Errc::end_of_stream);
      ERR_clear_error();
    });
  }

  TEST_CASE("many messages that came together are read one after the other") {
    run_virtual([]() -> Coro<> {
      TlsEnds ends = co_await shake_hands(memory_pair(), plain_server(), plain_client());
      std::string all;
      for (int i = 0; i < 50; ++i) {
        const std::string piece = "message " + std::to_string(i) + "\n";
        CHECK((co_await (*ends.client)->send(piece)).has_value());
        all += piece;
      }
      std::string got(all.size(), '\0');
      CHECK((co_await (*ends.server)->read_exactly(std::as_writable_bytes(std::span(got))))
                .has_value());
      CHECK(got == all);
    });
  }

  TEST_CASE("a connection that is cut anywhere in a record is truncated") {
    run_virtual([]() -> Coro<> {
      for (std::size_t cut = 0;; ++cut) {
        CAPTURE(cut);
        StreamPair below = memory_pair();
        Task<TlsEnd> accepting = spawn(accept_tls(std::move(below.near), plain_server()));
        RawTls client(plain_client()->make_session("example.org"));
        REQUIRE(co_await client.handshake(*below.far));
        TlsEnd server = co_await std::move(accepting);
        const std::string record = client.seal("hello");
        CHECK((co_await below.far->send(record.substr(0, cut))).has_value());
        below.far->shutdown();
        if (cut == record.size()) {
          CHECK((co_await (*server)->recv())->text() == "hello");
        }
        const auto end = co_await (*server)->recv();
        REQUIRE_FALSE(end.has_value());
        CHECK(end.error() == Errc::truncated);
        CHECK(co_await (*server)->closed() == Errc::truncated);
        if (cut == record.size()) {
          break;
        }
      }
    });
  }

  TEST_CASE("a peer that asks for new keys and never reads isn't read from for ever") {
    run_virtual([]() -> Coro<> {
      constexpr std::size_t kMostHeld = std::size_t{128} << 10;
      StreamPair below = memory_pair({.capacity = 1000});
      Task<TlsEnd> accepting = spawn(accept_tls(std::move(below.near), plain_server()));
      RawTls client(plain_client()->make_session("example.org"));
      REQUIRE(co_await client.handshake(*below.far));
      TlsEnd server = co_await std::move(accepting);
      std::string got;
      Task<> reader = spawn([&]() -> Coro<> {
        while (auto chunk = co_await (*server)->recv()) {
          got += chunk->text();
        }
      });
      std::size_t sent = 0;
      std::string record;
      int updates = 0;
      for (bool blocked = false; !blocked && sent < 4 * kMostHeld;) {
        record += client.update_keys();
        if (++updates % 32 == 0) {
          record += client.seal("x");
        }
        const std::size_t took = below.far->try_send(as_bytes(record), {}).bytes;
        sent += took;
        record.erase(0, took);
        co_await settle(2);
        blocked = took == 0;
      }
      // An answer is as large as its question. What isn't held is in the stream below, in OpenSSL's buffer, or
      // in a chunk that was begun.
      CHECK(sent > kMostHeld);
      CHECK(sent < kMostHeld + 64 * 1024);
      CHECK(got.find_first_not_of('x') == std::string::npos);

      // It reads after all: everything goes on.
      record += client.seal("hello");
      Task<> answer = spawn([&]() -> Coro<> { (void)co_await (*server)->send("welcome"); });
      std::string heard;
      while (!got.ends_with("hello") || heard != "welcome") {
        record.erase(0, below.far->try_send(as_bytes(record), {}).bytes);
        std::array<std::byte, 1000> answers{};
        const std::size_t size = below.far->try_recv(answers).bytes;
        client.give(as_text(Bytes(answers).first(size)));
        heard += client.open();
        co_await settle(2);
      }
      co_await answer;
      reader.cancel();
      CHECK_THROWS_AS(co_await reader, TaskCancelled);
    });
  }

  TEST_CASE(
      "a sender whose peer doesn't read waits, can be cancelled, and what it began is seen off") {
    for (const bool reads_at_last : {true, false}) {
      CAPTURE(reads_at_last);
      run_virtual([&]() -> Coro<> {
        StreamPair below = memory_pair({.capacity = 1000});
        TlsEnds ends = co_await shake_hands(std::move(below), plain_server(), plain_client());
        const std::size_t tasks = Loop::current().task_count();
        const TimePoint begin = Loop::current().now();
        const std::string much = pattern(100'000);
        Task<> sender = spawn([&]() -> Coro<> { (void)co_await (*ends.server)->send(much); });
        co_await sleep(1h);
        CHECK_FALSE(sender.done());
        sender.cancel();
        CHECK_THROWS_AS(co_await sender, TaskCancelled);
        const std::uint64_t accepted = (*ends.server)->bytes_accepted();
        CHECK(accepted == 16'384);  // a record
        (*ends.server)->close();
        ends.server->reset();
        co_await sleep(4s);
        CHECK(Loop::current().task_count() == tasks + 1);  // it still sees off what was begun
        if (reads_at_last) {
          const auto all = co_await (*ends.client)->read_all(1 << 20);
          REQUIRE(all.has_value());
          CHECK(*all == much.substr(0, accepted));
        } else {
          co_await sleep(2s);
          CHECK(Loop::current().task_count() == tasks);
          const auto all = co_await (*ends.client)->read_all(1 << 20);
          REQUIRE_FALSE(all.has_value());
          CHECK(all.error() == Errc::truncated);
        }
        co_await settle();
        CHECK(Loop::current().task_count() == tasks);
        CHECK(Loop::current().now() < begin + 2h);
      });
    }
  }
}
