// Handshakes, certificates, sessions, and ends of TLS connections. (That a TlsStream is a Stream like all others
// is shown in testing/stream_conformance_test.cpp.)
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <simul/socket.hpp>
#include <simul/tls_stream.hpp>

#include "harness.hpp"
#include "tls_pairs.hpp"

using namespace simul;
using namespace simul::test;

namespace {

StreamPair memory_pair() {
  auto [near, far] = memory_stream_pair();
  return {std::make_unique<MemoryStream>(std::move(near)),
          std::make_unique<MemoryStream>(std::move(far))};
}

ServerContext server_with(TlsServerSettings settings) {
  return TlsServerContext::load(std::move(settings));
}
ClientContext client_with(TlsClientSettings settings) {
  if (settings.ca.empty()) {
    settings.ca = certificates().ca();
  }
  return TlsClientContext::load(settings);
}

/// One message and its echo. (The client reads the session tickets on the way.)
Coro<> exchange(TlsStream& server, TlsStream& client) {
  CHECK((co_await client.send("ping")).has_value());
  const auto ping = co_await server.recv();
  REQUIRE(ping.has_value());
  CHECK(ping->text() == "ping");
  CHECK((co_await server.send("pong")).has_value());
  const auto pong = co_await client.recv();
  REQUIRE(pong.has_value());
  CHECK(pong->text() == "pong");
}

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
  co_return end.error();
}

}  // namespace

TEST_SUITE("tls") {
  TEST_CASE("a connection says what it is") {
    run_virtual([]() -> Coro<> {
      TlsEnds ends = co_await shake_hands(memory_pair(), plain_server(), client_with({}));
      TlsStream& server = **ends.server;
      TlsStream& client = **ends.client;
      CHECK(server.version() == "TLSv1.3");
      CHECK(client.cipher() == server.cipher());
      CHECK(server.server_name() == "example.org");
      CHECK(server.alpn().empty());
      CHECK_FALSE(client.resumed());
      CHECK(server.peer_identity().subject.empty());
      CHECK(client.peer_identity().subject == "CN=example.org");
      CHECK(client.peer_identity().issuer == "CN=simul test authority");
      CHECK(client.peer_identity().names == std::vector<std::string>{"example.org"});
      CHECK(client.peer_identity().sha256.size() == 64);
      co_await exchange(server, client);
    });
  }

  TEST_CASE(
      "the name that the client asks for chooses the certificate; the first is for the others") {
    const TlsCertificate first =
        certificates().make("first", {.common_name = "first", .names = {"first.org"}});
    const TlsCertificate wild = certificates().make(
        "wild", {.common_name = "wild", .names = {"*.example.net", "Example.NET"}});
    TlsCertificate said =
        certificates().make("said", {.common_name = "said", .names = {"said.org", "other.org"}});
    said.names = {"said.org"};
    const ServerContext server = server_with({.certificates = {first, wild, said}});
    const auto served = [&](std::string host) -> std::string {
      std::string subject;
      run_virtual([&]() -> Coro<> {
        TlsEnds ends = co_await shake_hands(memory_pair(), server, plain_client(), host);
        subject =
            ends.client ? (*ends.client)->peer_identity().subject : ends.client.error().message();
      });
      return subject;
    };
    CHECK(served("first.org") == "CN=first");
    CHECK(served("www.example.net") == "CN=wild");
    CHECK(served("WWW.EXAMPLE.net") == "CN=wild");
    CHECK(served("example.net") == "CN=wild");
    CHECK(served("a.b.example.net") == "hostname mismatch");  // the first: a star is one label
    CHECK(served("said.org") == "CN=said");
    CHECK(served("other.org") == "hostname mismatch");  // the first: it wasn't said
    CHECK(served("127.0.0.1") == "IP address mismatch");
  }

  TEST_CASE("of several types of key each client gets one that it knows") {
    const TlsCertificate ec = certificates().make("both-ec");
    const TlsCertificate rsa = certificates().make("both-rsa", {.key = "RSA"});
    const ServerContext server = server_with({.certificates = {rsa, ec}});
    CHECK(server->signs_slowly());
    CHECK_FALSE(plain_server()->signs_slowly());
    run([&]() -> Coro<> {  // in real time: RSA is left to a thread
      TlsEnds ends = co_await shake_hands(memory_pair(), server, plain_client());
      co_await exchange(**ends.server, **ends.client);
    }());
  }

  TEST_CASE("ALPN: the server's order counts; without a common protocol there is no connection") {
    const auto certificate = certificates().make("alpn");
    const ServerContext server =
        server_with({.certificates = {certificate}, .alpn = {"http/1.1", "echo"}});
    run_virtual([&]() -> Coro<> {
      TlsEnds ends =
          co_await shake_hands(memory_pair(), server, client_with({.alpn = {"echo", "http/1.1"}}));
      CHECK((*ends.server)->alpn() == "http/1.1");
      CHECK((*ends.client)->alpn() == "http/1.1");
      ends = co_await shake_hands(memory_pair(), server, plain_client());
      CHECK((*ends.server)->alpn().empty());
      ends = co_await shake_hands(memory_pair(), server, client_with({.alpn = {"h2"}}));
      CHECK_FALSE(ends.server.has_value());
      REQUIRE_FALSE(ends.client.has_value());
      CHECK(ends.client.error().message() == "tlsv1 alert no application protocol");
    });
  }

  TEST_CASE("clients can be asked for a certificate, and be known by it") {
    const auto own = certificates().make("mutual");
    const auto alice = certificates().make("alice", {.common_name = "alice", .names = {}});
    const ClientContext known = client_with({.certificate = alice.certificate, .key = alice.key});
    for (const ClientCertificate wanted :
         {ClientCertificate::optional, ClientCertificate::required}) {
      const ServerContext server = server_with(
          {.certificates = {own}, .client_certificate = wanted, .client_ca = certificates().ca()});
      run_virtual([&]() -> Coro<> {
        TlsEnds ends = co_await shake_hands(memory_pair(), server, known);
        CHECK((*ends.server)->peer_identity().subject == "CN=alice");
        co_await exchange(**ends.server, **ends.client);
        ends = co_await shake_hands(memory_pair(), server, plain_client());
        CHECK(ends.server.has_value() == (wanted == ClientCertificate::optional));
        if (ends.server) {
          CHECK((*ends.server)->peer_identity().subject.empty());
        } else {
          CHECK(ends.server.error().message() == "peer did not return a certificate");
          // TLS 1.3: the client was done before; it hears of it when it reads.
          const auto refused = co_await (*ends.client)->recv();
          REQUIRE_FALSE(refused.has_value());
          CHECK(refused.error().message() == "tlsv13 alert certificate required");
        }
      });
    }
  }

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

  TEST_CASE("a context may be dropped while connections live") {
    run_virtual([]() -> Coro<> {
      ServerContext server = server_with({.certificates = {certificates().make("dropped")}});
      ClientContext client = client_with({});
      TlsEnds ends = co_await shake_hands(memory_pair(), server, client);
      server.reset();
      client.reset();
      co_await exchange(**ends.server, **ends.client);  // the client gets its tickets now
    });
  }

  TEST_CASE("a client believes no server that it can't verify") {
    const auto try_with = [](TlsCertificate certificate, TlsClientSettings settings,
                             std::string host) {
      return run_virtual([&]() -> Coro<std::string> {
        TlsEnds ends =
            co_await shake_hands(memory_pair(), server_with({.certificates = {certificate}}),
                                 client_with(settings), host);
        co_return ends.client ? "connected" : ends.client.error().message();
      });
    };
    const auto good = certificates().make("good", {.names = {"example.org", "127.0.0.1"}});
    CHECK(try_with(good, {}, "example.org") == "connected");
    CHECK(try_with(good, {}, "127.0.0.1") == "connected");
    CHECK(try_with(good, {}, "example.com") == "hostname mismatch");
    CHECK(try_with(good, {}, "127.0.0.2") == "IP address mismatch");
    CHECK(try_with(certificates().make("old", {.valid_from = -7200, .valid_to = -3600}), {},
                   "example.org") == "certificate has expired");
    CHECK(try_with(certificates().make("young", {.valid_from = 3600, .valid_to = 7200}), {},
                   "example.org") == "certificate is not yet valid");
    CHECK(try_with(good, {.ca = good.certificate}, "example.org") ==
          "unable to get local issuer certificate");
    CHECK(try_with(good, {.ca = good.certificate, .verify = false}, "example.com") == "connected");
  }

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

  TEST_CASE("a client says to whom it wants to speak") {
    CHECK_THROWS_AS((void)plain_client()->make_session(""), TlsError);
    CHECK_THROWS_AS((void)plain_client()->make_session(std::string("example.org\0.evil.org", 21)),
                    TlsError);
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
}
