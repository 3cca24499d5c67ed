// Messages about the session (KeyUpdate) of peers that send them in pieces, or in masses.
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <simul/tls_stream.hpp>

#include "harness.hpp"
#include "raw_tls.hpp"
#include "raw_tls_records.hpp"
#include "tls_pairs.hpp"

using namespace simul;
using namespace simul::test;

namespace {

constexpr std::string_view kUpdate("\x18\0\0\x01\0", 5);  // it asks for no answer

/// A server whose client has sent all but the last byte of a KeyUpdate.
struct Halfway {
  MemoryStream* below = nullptr;
  std::unique_ptr<Stream> far;
  std::unique_ptr<TlsStream> server;
  ClientContext context = client_with({});
  std::unique_ptr<RawTls> client;
  std::unique_ptr<RawTlsRecords> records;
  std::string got;

  Coro<> begin() {
    auto [near, other] = memory_stream_pair();
    auto own = std::make_unique<MemoryStream>(std::move(near));
    below = own.get();
    far = std::make_unique<MemoryStream>(std::move(other));
    client = std::make_unique<RawTls>(context->make_session("example.org"));
    records = std::make_unique<RawTlsRecords>(*client);
    Task<TlsEnd> accepting = spawn(accept_tls(std::move(own), plain_server()));
    REQUIRE(co_await client->handshake(*far));
    server = std::move((co_await std::move(accepting)).value());
    const std::string piece = records->seal(RawTlsRecords::kHandshake, kUpdate.substr(0, 4));
    CHECK((co_await far->send(piece)).has_value());
    Task<> reader = spawn(read());
    co_await settle();
    reader.cancel();
    CHECK_THROWS_AS(co_await reader, TaskCancelled);
  }
  /// The last byte of the KeyUpdate.
  std::string rest() {
    std::string record = records->seal(RawTlsRecords::kHandshake, kUpdate.substr(4));
    records->next_keys();
    return record;
  }
  Coro<> read() {
    while (auto chunk = co_await server->recv()) {
      got += chunk->text();
    }
  }
  /// Nothing happens any more.
  Coro<> check_idle() {
    co_await settle();
    const MemoryStream::Counts before = below->counts();
    co_await settle(100);
    CHECK(below->counts().recv == before.recv);
    CHECK(below->counts().waits == before.waits);
  }
};

}  // namespace

TEST_SUITE("tls messages about the session") {
  TEST_CASE("a sender waits for the rest of a KeyUpdate, without a reader and with one") {
    enum class End { rest, rest_and_data, fin, piece_and_fin, reset, goodbye };
    for (const bool with_reader : {false, true}) {
      for (const End end : {End::rest, End::rest_and_data, End::fin, End::piece_and_fin, End::reset,
                            End::goodbye}) {
        CAPTURE(with_reader);
        CAPTURE(static_cast<int>(end));
        run_virtual([&]() -> Coro<> {
          Halfway half;
          co_await half.begin();
          Task<> reader = with_reader ? spawn(half.read()) : Task<>();
          std::error_code error;
          Task<> sender = spawn([&]() -> Coro<> {
            const auto sent = co_await half.server->send("answer");
            error = sent ? std::error_code() : sent.error();
          });
          co_await half.check_idle();
          REQUIRE_FALSE(sender.done());
          const bool goes_on = end == End::rest || end == End::rest_and_data;
          if (end == End::goodbye) {
            const std::string bye = half.records->seal(RawTlsRecords::kAlert, {"\x01\0", 2});
            CHECK((co_await half.far->send(bye)).has_value());
          } else if (end == End::reset) {
            half.far->close(Stream::CloseMode::abort);
          } else if (end == End::fin) {
            half.far->shutdown();
          } else {
            std::string rest = half.rest();
            CHECK((co_await half.far->send(rest.substr(0, 1))).has_value());
            co_await half.check_idle();
            REQUIRE_FALSE(sender.done());
            rest.erase(0, 1);
            if (end == End::rest_and_data) {
              rest += half.records->seal(RawTlsRecords::kData, "hello");
            }
            if (goes_on) {
              CHECK((co_await half.far->send(rest)).has_value());
            } else {
              half.far->shutdown();
            }
          }
          co_await half.check_idle();
          REQUIRE(sender.done());
          if (goes_on) {
            CHECK_FALSE(error);
            CHECK((co_await half.server->send("more")).has_value());
            half.client->give((co_await half.far->recv())->text());
            CHECK(half.client->open() == "answer");
            if (end == End::rest) {
              CHECK((co_await half.far->send(half.records->seal(RawTlsRecords::kData, "hello")))
                        .has_value());
            }
            if (!with_reader) {
              reader = spawn(half.read());
            }
            co_await settle();
            CHECK(half.got == "hello");
            reader.cancel();
            CHECK_THROWS_AS(co_await reader, TaskCancelled);
          } else {
            if (end == End::reset || end == End::goodbye) {
              CHECK(error ==
                    (end == End::reset ? std::errc::connection_reset : std::errc::protocol_error));
            } else {
              CHECK(error == Errc::truncated);
            }
            const std::error_code gone = co_await half.server->closed();
            CHECK(gone == error);
            if (with_reader) {
              co_await settle();
              REQUIRE(reader.done());
              co_await reader;
            }
          }
        });
      }
    }
  }

  TEST_CASE("KeyUpdates are welcome, as long as there is data now and then, in either direction") {
    run_virtual([]() -> Coro<> {
      StreamPair below = memory_pair();
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
      for (int round = 0; round < 6; ++round) {
        for (int i = 0; i < 32; ++i) {
          CHECK((co_await below.far->send(client.update_keys())).has_value());
          co_await sleep(24h);
        }
        if (round % 2 == 0) {
          CHECK((co_await below.far->send(client.seal("x"))).has_value());
        } else {
          CHECK((co_await (*server)->send("y")).has_value());
        }
        co_await settle();
        REQUIRE_FALSE(reader.done());
        client.give((co_await below.far->recv())->text());
        CHECK(client.open() == (round % 2 == 0 ? "" : "y"));
      }
      CHECK(got == "xxx");
      reader.cancel();
      CHECK_THROWS_AS(co_await reader, TaskCancelled);
    });
  }

  TEST_CASE("a peer that sends nothing but KeyUpdates is cut off, at the 33rd") {
    run_virtual([]() -> Coro<> {
      for (const bool at_once : {true, false}) {
        CAPTURE(at_once);
        auto [near, far] = memory_stream_pair();
        Task<TlsEnd> accepting =
            spawn(accept_tls(std::make_unique<MemoryStream>(std::move(near)), plain_server()));
        RawTls client(plain_client()->make_session("example.org"));
        REQUIRE(co_await client.handshake(far));
        TlsEnd server = co_await std::move(accepting);
        while (co_await move_on_after(1s, [&]() -> Coro<> { (void)co_await far.recv(); })) {
        }
        Task<std::error_code> reader = spawn([&]() -> Coro<std::error_code> {
          const auto chunk = co_await (*server)->recv();
          co_return chunk ? std::error_code() : chunk.error();
        });
        std::string flood;
        std::size_t size = 0;
        for (int i = 0; i < 500; ++i) {
          const std::string update = client.update_keys();
          size = update.size();
          flood += update;
        }
        if (!at_once) {
          for (int i = 0; i < 32; ++i) {
            CHECK((co_await far.send(flood.substr(0, size))).has_value());
            flood.erase(0, size);
            co_await settle();
            REQUIRE_FALSE(reader.done());
          }
        }
        CHECK((co_await far.send(flood)).has_value());
        CHECK(co_await reader == std::errc::protocol_error);
        CHECK((co_await (*server)->send("x")).error() == std::errc::protocol_error);
        CHECK((co_await (*server)->recv()).error() == std::errc::protocol_error);
        CHECK(co_await (*server)->closed() == std::errc::protocol_error);
        CHECK(far.pending() <= 33 * size);  // the rest wasn't even answered
      }
    });
  }

  TEST_CASE("receives that are dear, because of KeyUpdates, don't follow each other in one turn") {
    run_virtual([]() -> Coro<> {
      StreamPair below = memory_pair();
      Task<TlsEnd> accepting = spawn(accept_tls(std::move(below.near), plain_server()));
      RawTls client(plain_client()->make_session("example.org"));
      REQUIRE(co_await client.handshake(*below.far));
      TlsEnd server = co_await std::move(accepting);
      constexpr int kRounds = 10;
      std::string flood;
      for (int round = 0; round < kRounds; ++round) {
        for (int i = 0; i < 32; ++i) {
          flood += client.update_keys();
        }
        flood += client.seal("x");
      }
      CHECK((co_await below.far->send(flood)).has_value());
      Task<> reader = spawn([&]() -> Coro<> {
        std::string got;
        while (got.size() < kRounds) {
          const auto chunk = co_await (*server)->recv();
          REQUIRE(chunk.has_value());
          got += chunk->text();
        }
      });
      int turns = 0;
      for (; !reader.done(); ++turns) {
        REQUIRE(turns < 1000);
        co_await yield_now();
      }
      CHECK(turns >= kRounds);
      co_await reader;
    });
  }
}
