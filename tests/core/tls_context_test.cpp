// What a TLS context decides: which certificate, which protocol, who is believed.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <simul/tls_stream.hpp>

#include "harness.hpp"
#include "raw_tls.hpp"
#include "tls_pairs.hpp"

using namespace simul;
using namespace simul::test;

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
          CHECK(is_certificate_error(ends.server.error()));
          // TLS 1.3: the client was done before; it hears of it when it reads.
          const auto refused = co_await (*ends.client)->recv();
          REQUIRE_FALSE(refused.has_value());
          CHECK(refused.error().message() == "tlsv13 alert certificate required");
          CHECK_FALSE(is_certificate_error(refused.error()));
        }
      });
    }
  }

  TEST_CASE("who may sign clients' certificates is read once, whatever comes after") {
    const auto own = certificates().make("once");
    const auto alice = certificates().make("once-alice", {.common_name = "alice", .names = {}});
    const std::string path = certificates().folder() + "/once-ca.pem";
    REQUIRE(mkfifo(path.c_str(), 0600) == 0);
    std::thread writer([&] {  // another authority stands there before the first has been read
      std::ofstream pipe(path);
      pipe << std::ifstream(certificates().ca()).rdbuf();
      std::filesystem::copy_file(own.certificate, path + ".new");
      std::filesystem::rename(path + ".new", path);
    });
    const ServerContext server = server_with({.certificates = {own},
                                              .client_certificate = ClientCertificate::required,
                                              .client_ca = path});
    writer.join();
    run_virtual([&]() -> Coro<> {
      TlsEnds ends = co_await shake_hands(
          memory_pair(), server, client_with({.certificate = alice.certificate, .key = alice.key}));
      REQUIRE(ends.server.has_value());
      CHECK((*ends.server)->peer_identity().subject == "CN=alice");
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
        CHECK((ends.client || is_certificate_error(ends.client.error())));
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

  TEST_CASE("a client says to whom it wants to speak") {
    CHECK_THROWS_AS((void)plain_client()->make_session(""), TlsError);
    CHECK_THROWS_AS((void)plain_client()->make_session(std::string("example.org\0.evil.org", 21)),
                    TlsError);
  }

  TEST_CASE("a client that asks for the OCSP response gets it as it stands in the file") {
    TlsCertificate stapled = certificates().make("stapling");
    stapled.ocsp = certificates().write("stapling.ocsp", std::string("any\0bytes", 9));
    const TlsCertificate bare = certificates().make("not-stapling", {.names = {"bare.org"}});
    TlsCertificate late = certificates().make("late-stapling", {.names = {"late.org"}});
    late.ocsp = certificates().make_ocsp("late", late.certificate, {.from = -7200, .until = -60});
    const ServerContext server = server_with({.certificates = {stapled, bare, late}});
    const auto staple = [&](const std::string& host, bool ask) {
      return run_virtual([&]() -> Coro<std::string> {
        StreamPair below = memory_pair();
        Task<TlsEnd> accepting = spawn(accept_tls(std::move(below.near), server));
        RawTls client(plain_client()->make_session(host));
        if (ask) {
          SSL_set_tlsext_status_type(client.ssl(), TLSEXT_STATUSTYPE_ocsp);
        }
        CHECK(co_await client.handshake(*below.far));
        CHECK((co_await std::move(accepting)).has_value());
        const unsigned char* bytes = nullptr;
        const long size = SSL_get_tlsext_status_ocsp_resp(client.ssl(), &bytes);
        co_return size < 0
            ? "none"
            : std::string(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
      });
    };
    CHECK(staple("example.org", true) == std::string("any\0bytes", 9));
    CHECK(staple("example.org", false) == "none");
    CHECK(staple("bare.org", true) == "none");
    CHECK(staple("late.org", true) == "none");  // out of date: clients would refuse it
  }
}
