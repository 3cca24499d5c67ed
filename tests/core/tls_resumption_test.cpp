// Sessions that are taken up again.
#include <utility>

#include <simul/tls_stream.hpp>

#include "harness.hpp"
#include "raw_tls.hpp"
#include "tls_pairs.hpp"

using namespace simul;
using namespace simul::test;

TEST_SUITE("tls") {
  TEST_CASE("a session is taken up again, over all contexts that share the ticket keys") {
    const auto certificate = certificates().make("resumed");
    const auto alice = certificates().make("resuming", {.common_name = "alice", .names = {}});
    const ServerContext first = server_with({.certificates = {certificate}});
    const ServerContext second =
        server_with({.certificates = {certificate}, .ticket_keys = first->ticket_keys()});
    const ServerContext foreign = server_with({.certificates = {certificate}});
    const ServerContext strict = server_with({.certificates = {certificate},
                                              .client_certificate = ClientCertificate::required,
                                              .client_ca = certificates().ca(),
                                              .ticket_keys = first->ticket_keys()});
    run_virtual([&]() -> Coro<> {
      ClientContext client = client_with({});
      const auto resumed = [&](ServerContext server) -> Coro<bool> {
        TlsEnds ends = co_await shake_hands(memory_pair(), server, client);
        if (!ends.server) {
          co_return false;
        }
        co_await exchange(**ends.server, **ends.client);
        CHECK((*ends.server)->resumed() == (*ends.client)->resumed());
        co_return (*ends.client)->resumed();
      };
      CHECK_FALSE(co_await resumed(first));
      CHECK(co_await resumed(first));
      CHECK(co_await resumed(first));
      CHECK(co_await resumed(first));
      CHECK(co_await resumed(second));
      first->ticket_keys()->rotate();
      CHECK(co_await resumed(first));  // sealed with an older key
      for (int i = 0; i < 3; ++i) {
        first->ticket_keys()->rotate();
      }
      CHECK_FALSE(co_await resumed(first));  // too old
      CHECK(co_await resumed(first));
      CHECK_FALSE(co_await resumed(foreign));
      CHECK_FALSE(co_await resumed(first));
      CHECK_FALSE(co_await resumed(strict));  // it never showed a certificate
      client = client_with({.certificate = alice.certificate, .key = alice.key});
      CHECK_FALSE(co_await resumed(strict));
      TlsEnds again = co_await shake_hands(memory_pair(), strict, client);
      CHECK((*again.server)->resumed());
      CHECK((*again.server)->peer_identity().subject == "CN=alice");
      CHECK((*again.client)->peer_identity().subject == "CN=example.org");
    });
  }

  TEST_CASE("a client whose certificate has expired meanwhile is verified again, and refused") {
    const auto own = certificates().make("expiring-server");
    const auto late = certificates().make(
        "expiring", {.common_name = "late", .names = {}, .valid_from = -7200, .valid_to = -3600});
    const ServerContext server = server_with({.certificates = {own},
                                              .client_certificate = ClientCertificate::required,
                                              .client_ca = certificates().ca()});
    const ClientContext client = client_with({.certificate = late.certificate, .key = late.key});
    run_virtual([&]() -> Coro<> {
      {  // A server for which time stands still; it seals the ticket with the same keys.
        StreamPair below = memory_pair();
        RawTls earlier(server->make_session());
        X509_VERIFY_PARAM_set_flags(SSL_get0_param(earlier.ssl()), X509_V_FLAG_NO_CHECK_TIME);
        Task<TlsEnd> connecting = spawn(connect_tls(std::move(below.far), client, "example.org"));
        REQUIRE(co_await earlier.handshake(*below.near));
        TlsEnd end = co_await std::move(connecting);
        REQUIRE(end.has_value());
        (void)co_await below.near->send(earlier.seal("x"));
        CHECK((co_await (*end)->recv()).has_value());
      }
      RawTls asking(client->make_session("example.org"));
      CHECK(SSL_SESSION_is_resumable(SSL_get0_session(asking.ssl())) == 1);  // it has a ticket
      StreamPair below = memory_pair();
      Task<TlsEnd> accepting = spawn(accept_tls(std::move(below.near), server));
      CHECK(co_await asking.handshake(*below.far));  // TLS 1.3: the client is done first
      CHECK(SSL_session_reused(asking.ssl()) == 0);
      const TlsEnd end = co_await std::move(accepting);
      REQUIRE_FALSE(end.has_value());
      CHECK(end.error().message() == "certificate has expired");
    });
  }

  TEST_CASE("connections side by side take up a session each, to a name or to an address") {
    const ServerContext server = server_with(
        {.certificates = {certificates().make("side", {.names = {"example.org", "127.0.0.1"}})}});
    run_virtual([&]() -> Coro<> {
      for (const std::string host : {"example.org", "127.0.0.1"}) {
        const ClientContext client = client_with({});
        const auto connect_twice = [&]() -> Coro<int> {
          TlsEnds one = co_await shake_hands(memory_pair(), server, client, host);
          TlsEnds other = co_await shake_hands(memory_pair(), server, client, host);
          co_await exchange(**one.server, **one.client);
          co_await exchange(**other.server, **other.client);
          co_return (*one.client)->resumed() + (*other.client)->resumed();
        };
        CHECK(co_await connect_twice() == 0);
        CHECK(co_await connect_twice() == 2);
        CHECK(co_await connect_twice() == 2);
      }
    });
  }

  TEST_CASE("a client that is told not to takes up no session") {
    run_virtual([]() -> Coro<> {
      const ClientContext client = client_with({.resume = false});
      for (int i = 0; i < 3; ++i) {
        TlsEnds ends = co_await shake_hands(memory_pair(), plain_server(), client);
        co_await exchange(**ends.server, **ends.client);
        CHECK_FALSE((*ends.client)->resumed());
      }
    });
  }
}
