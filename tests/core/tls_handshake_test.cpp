// Handshakes: what a peer may do in one, and what it may not.
#include <malloc.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <simul/tls_stream.hpp>

#include "harness.hpp"
#include "raw_tls.hpp"
#include "tls/openssl.hpp"
#include "tls_pairs.hpp"

using namespace simul;
using namespace simul::test;

namespace {

/// Sends `bytes` to a TLS server; gives how its handshake ended.
Coro<std::error_code> greet_with(std::string_view bytes, bool then_end) {
  auto [near, far] = memory_stream_pair();
  Task<TlsEnd> server =
      spawn(accept_tls(std::make_unique<MemoryStream>(std::move(near)), plain_server()));
  (void)co_await far.send(bytes);
  if (then_end) {
    far.shutdown();
  }
  const TlsEnd end = co_await std::move(server);
  REQUIRE_FALSE(end.has_value());
  CHECK_FALSE(is_certificate_error(end.error()));
  co_return end.error();
}

}  // namespace

TEST_SUITE("tls") {
  TEST_CASE("what is no TLS is refused, and told so where TLS has words") {
    run_virtual([]() -> Coro<> {
      CHECK((co_await greet_with("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", false)).message() ==
            "http request");
      CHECK((co_await greet_with(std::string(100, '\0'), false)).message() ==
            "wrong version number");
      CHECK((co_await greet_with("SSH-2.0-OpenSSH_9.2\r\n", false)).message() ==
            "wrong version number");
      CHECK((co_await greet_with("", true)) == Errc::truncated);
      CHECK((co_await greet_with("\x16\x03\x01\x02", true)) == Errc::truncated);
    });
  }

  TEST_CASE("a client that says nothing costs no session") {
    run_virtual([]() -> Coro<> {
      constexpr std::size_t kClients = 100;
      const auto kilobytes_of_silence = [](std::string_view said) -> Coro<std::size_t> {
        std::vector<StreamPair> pairs;
        std::vector<Task<TlsEnd>> handshakes;
        for (std::size_t i = 0; i < kClients; ++i) {
          pairs.push_back(memory_pair());
        }
        const std::size_t before = mallinfo2().uordblks;
        for (StreamPair& pair : pairs) {
          handshakes.push_back(spawn(accept_tls(std::move(pair.near), plain_server())));
          if (!said.empty()) {
            (void)co_await pair.far->send(said);
          }
        }
        co_await settle();
        const std::size_t grown = mallinfo2().uordblks - before;
        for (const StreamPair& pair : pairs) {
          pair.far->close();
        }
        for (Task<TlsEnd>& handshake : handshakes) {
          CHECK((co_await handshake).error() == Errc::truncated);
        }
        co_return grown / kClients >> 10;
      };
      (void)co_await kilobytes_of_silence("\x16");  // what is kept for the next ones
      CHECK(co_await kilobytes_of_silence("") < 5);
      if (mallinfo2().uordblks > 0) {  // not with sanitizers, which have an allocator of their own
        CHECK(co_await kilobytes_of_silence("\x16") > 10);
      }
    });
  }

  TEST_CASE("a handshake that stops can be given up, and closes what is below") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      auto handshake = [&]() -> Coro<TlsEnd> {
        return accept_tls(std::make_unique<MemoryStream>(std::move(near)), plain_server());
      };
      CHECK_FALSE((co_await move_on_after(10s, handshake)).has_value());
      CHECK((co_await far.recv()).error() == Errc::end_of_stream);
    });
  }

  TEST_CASE("a deadline around a handshake that stops in its middle ends it") {
    run_virtual([]() -> Coro<> {
      StreamPair below = memory_pair();
      RawTls client(plain_client()->make_session("example.org"));
      client.step();
      const std::string hello = client.take();
      CHECK((co_await below.far->send(hello.substr(0, hello.size() / 2))).has_value());
      auto handshake = [&]() -> Coro<TlsEnd> {
        return accept_tls(std::move(below.near), plain_server());
      };
      bool timed_out = false;
      try {
        (void)co_await fail_after(10s, handshake);
      } catch (const TimedOut&) {
        timed_out = true;
      }
      CHECK(timed_out);
      CHECK((co_await below.far->recv()).error() == Errc::end_of_stream);
    });
  }

  TEST_CASE("a handshake may come byte by byte") {
    run_virtual([]() -> Coro<> {
      StreamPair below = memory_pair();
      Task<TlsEnd> accepting = spawn(accept_tls(std::move(below.near), plain_server()));
      RawTls client(plain_client()->make_session("example.org"));
      bool done = false;
      while (!done) {
        done = client.step();
        for (const char byte : client.take()) {
          CHECK((co_await below.far->send(std::string_view(&byte, 1))).has_value());
          co_await settle(2);
        }
        if (!done) {
          const auto heard = co_await below.far->recv();
          REQUIRE(heard.has_value());
          client.give(heard->text());
        }
      }
      TlsEnd server = co_await std::move(accepting);
      REQUIRE(server.has_value());
      CHECK((co_await below.far->send(client.seal("hello"))).has_value());
      CHECK((co_await (*server)->recv())->text() == "hello");
    });
  }

  TEST_CASE("a ClientHello of many records is read; one that says it is larger still is refused") {
    run_virtual([]() -> Coro<> {
      StreamPair below = memory_pair();
      Task<TlsEnd> accepting = spawn(accept_tls(std::move(below.near), plain_server()));
      RawTls client(plain_client()->make_session("example.org"));
      std::string protocols;
      while (protocols.size() < 65'000) {  // an extension has 64 KiB at the most
        protocols += std::string(1, '\xff') + std::string(255, 'x');
      }
      protocols.resize(65'024);
      CHECK(SSL_set_alpn_protos(client.ssl(),
                                reinterpret_cast<const unsigned char*>(protocols.data()),
                                static_cast<unsigned>(protocols.size())) == 0);
      CHECK(co_await client.handshake(*below.far));
      CHECK((co_await std::move(accepting)).has_value());

      // 131,396 bytes are what three such extensions would need.
      const std::string_view too_large("\x16\x03\x01\x00\x06\x01\x02\x01\x45\x03\x03", 11);
      CHECK((co_await greet_with(too_large, false)).message() == "excessive message size");
    });
  }

  TEST_CASE("what OpenSSL can't do for reasons of its own is no fault of the peer's") {
    const auto failure = [](int library, int reason) {
      ERR_raise(library, reason);
      return detail::PackedError(detail::take_tls_error()).unpack();  // as a stream gives it
    };
    CHECK(failure(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE) == std::errc::not_enough_memory);
    CHECK(failure(ERR_LIB_EVP, ERR_R_MALLOC_FAILURE) == std::errc::not_enough_memory);
    CHECK(failure(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR).message() == "internal error");
    CHECK_FALSE(is_certificate_error(failure(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR)));
    CHECK(failure(ERR_LIB_EVP, ERR_R_FETCH_FAILED).message() == "fetch failed");
    CHECK(failure(ERR_LIB_EVP, EVP_R_BAD_DECRYPT) == std::errc::protocol_error);
    CHECK(failure(ERR_LIB_SSL, SSL_R_BAD_LENGTH).message() == "bad length");
  }

  TEST_CASE("records that mean nothing are borne in small numbers only") {
    const auto flood = [](std::string_view record, bool after_hello) {
      return run_virtual([&]() -> Coro<std::pair<std::string, int>> {
        StreamPair below = memory_pair();
        Task<TlsEnd> accepting = spawn(accept_tls(std::move(below.near), plain_server()));
        if (after_hello) {
          RawTls client(plain_client()->make_session("example.org"));
          client.step();
          CHECK((co_await below.far->send(client.take())).has_value());
        }
        int sent = 0;
        while (!accepting.done() && sent < 10'000) {
          (void)co_await below.far->send(record);
          ++sent;
          co_await settle(2);
        }
        const TlsEnd end = co_await std::move(accepting);
        co_return std::pair(end ? "accepted" : end.error().message(), sent);
      });
    };
    const auto [warned, warnings] =
        flood(std::string_view("\x15\x03\x01\x00\x02\x01\x5a", 7), false);
    CHECK(warned == "unexpected message");
    CHECK(warnings < 100);
    const auto [emptied, empties] = flood(std::string_view("\x16\x03\x01\x00\x00", 5), false);
    CHECK(emptied == "record too small");
    CHECK(empties < 100);
    const auto [changed, changes] = flood(std::string_view("\x14\x03\x03\x00\x01\x01", 6), true);
    CHECK(changed == "unexpected ccs message");
    CHECK(changes < 100);
  }
}
