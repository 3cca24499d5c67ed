// A server's signatures: with which key, and on which thread.
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <simul/testing/simulation.hpp>
#include <simul/tls_stream.hpp>

#include "full_pool.hpp"
#include "harness.hpp"
#include "raw_tls.hpp"
#include "tls_pairs.hpp"

using namespace simul;
using namespace simul::test;

namespace {

using Tune = std::function<void(SSL*)>;

ServerContext server_of(const std::string& name, const std::string& key) {
  return server_with({.certificates = {certificates().make(name, {.key = key})}});
}
ServerContext server_of_both() {
  return server_with({.certificates = {certificates().make("both-rsa", {.key = "RSA"}),
                                       certificates().make("both-ec")}});
}

struct Shaken {
  bool left_loop = false;
  bool resumed = false;
  std::string key;
};

/// A handshake while no thread of the pool is free.
Shaken shake(const ServerContext& server, const ClientContext& context, const Tune& tune = {}) {
  Shaken shaken;
  run_virtual([&]() -> Coro<> {
    FullPool pool;
    co_await with_group([&](TaskGroup& group) -> Coro<> {
      pool.fill(group);
      co_await pool.full();
      StreamPair below = memory_pair();
      RawTls client(context->make_session("example.org"));
      if (tune) {
        tune(client.ssl());
      }
      Task<TlsEnd> accepting = spawn(accept_tls(std::move(below.near), server));
      Task<bool> shaking = spawn(client.handshake(*below.far));
      co_await settle(30);
      shaken.left_loop = !accepting.done();
      pool.open();
      CHECK(co_await shaking);
      TlsEnd end = co_await std::move(accepting);
      REQUIRE(end.has_value());
      shaken.resumed = (*end)->resumed();
      const EVP_PKEY* const key = X509_get0_pubkey(SSL_get0_peer_certificate(client.ssl()));
      shaken.key = EVP_PKEY_get0_type_name(key);
      CHECK((co_await (*end)->send("x")).has_value());
      const auto heard = co_await below.far->recv();
      REQUIRE(heard.has_value());
      client.give(heard->text());
      CHECK(client.open() == "x");  // and the client has got its tickets
      SSL_set_shutdown(client.ssl(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);  // they stay good
    });
  });
  return shaken;
}

ClientContext stranger() { return client_with({.verify = false, .resume = false}); }
void only_tls_1_2(SSL* session) { SSL_set_max_proto_version(session, TLS1_2_VERSION); }

}  // namespace

TEST_SUITE("tls") {
  TEST_CASE("a signature that takes long is left to another thread, and only that") {
    CHECK(shake(server_of("signs-rsa", "RSA"), stranger()).left_loop);
    CHECK(shake(server_of("signs-p384", "P-384"), stranger()).left_loop);
    CHECK(shake(server_of("signs-ed448", "ED448"), stranger()).left_loop);
    CHECK(shake(server_of("signs-rsa", "RSA"), stranger(), only_tls_1_2).left_loop);
    CHECK_FALSE(shake(plain_server(), stranger()).left_loop);
    CHECK_FALSE(shake(server_of("signs-ed25519", "ED25519"), stranger()).left_loop);
    CHECK_FALSE(shake(plain_server(), stranger(), only_tls_1_2).left_loop);
  }

  TEST_CASE("a resumed handshake has no signature, and stays on the loop") {
    for (const Tune& tune : {Tune(), Tune(only_tls_1_2)}) {
      const ServerContext server = server_of("resumes-rsa", "RSA");
      const ClientContext client = client_with({});
      const Shaken full = shake(server, client, tune);
      CHECK_FALSE(full.resumed);
      CHECK(full.left_loop);
      const Shaken again = shake(server, client, tune);
      CHECK(again.resumed);
      CHECK_FALSE(again.left_loop);
    }
  }

  TEST_CASE("the key of the name that the client asks for counts") {
    const ServerContext server =
        server_with({.certificates = {certificates().make("first-ec", {.names = {"first.org"}}),
                                      certificates().make("second-rsa", {.key = "RSA"})}});
    CHECK(shake(server, stranger()).left_loop);
    CHECK_FALSE(shake(server, stranger(), [](SSL* session) {
                  SSL_set_tlsext_host_name(session, "first.org");
                }).left_loop);
  }

  TEST_CASE("of several types of key each client gets one that it knows") {
    const ServerContext server = server_of_both();
    const Shaken modern = shake(server, stranger());
    CHECK(modern.key == "EC");
    CHECK_FALSE(modern.left_loop);
    const Shaken rsa_only = shake(server, stranger(), [](SSL* session) {
      SSL_set1_sigalgs_list(session, "rsa_pss_rsae_sha256:ecdsa_secp384r1_sha384");
    });
    CHECK(rsa_only.key == "RSA");
    CHECK(rsa_only.left_loop);
    const Shaken old = shake(server, stranger(), only_tls_1_2);  // too much to foretell
    CHECK(old.key == "EC");
    CHECK(old.left_loop);
    const Shaken old_rsa = shake(server, stranger(), [](SSL* session) {
      only_tls_1_2(session);
      SSL_set_cipher_list(session, "ECDHE-RSA-AES128-GCM-SHA256");
    });
    CHECK(old_rsa.key == "RSA");
    CHECK(old_rsa.left_loop);
  }

  TEST_CASE("a client that minds how certificates are signed may get the other key") {
    run_virtual([]() -> Coro<> {
      FullPool pool;
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        pool.fill(group);
        co_await pool.full();
        StreamPair below = memory_pair();
        RawTls client(plain_client()->make_session("example.org"));
        client.step();
        std::string hello = client.take();
        // signature_algorithms_cert: rsa_pkcs1_sha256, in an extension more.
        hello += std::string("\0\x32\0\4\0\2\4\1", 8);
        const std::size_t suites = 5 + 4 + 2 + 32 + 1 + 32;
        const auto size_at = [&](std::size_t at) {
          return static_cast<unsigned char>(hello[at]) << 8 |
                 static_cast<unsigned char>(hello[at + 1]);
        };
        const auto add_at = [&](std::size_t at) {
          const int size = size_at(at) + 8;
          hello[at] = static_cast<char>(size >> 8);
          hello[at + 1] = static_cast<char>(size);
        };
        const std::size_t after_suites = suites + 2 + static_cast<std::size_t>(size_at(suites));
        add_at(3);                 // the record
        add_at(7);                 // the message, which has three bytes of size
        add_at(after_suites + 2);  // the extensions, after one method of compression
        Task<TlsEnd> accepting = spawn(accept_tls(std::move(below.near), server_of_both()));
        CHECK((co_await below.far->send(hello)).has_value());
        co_await settle(30);
        std::array<std::byte, 1> answer{};
        CHECK(below.far->try_recv(answer).blocked != Interest::none);
        pool.open();
        CHECK((co_await below.far->read_exactly(answer)).has_value());
        accepting.cancel();
      });
    });
  }

  TEST_CASE("groups that take long can't be had") {
    const auto end_with = [](const char* groups) {
      return run_virtual([&]() -> Coro<std::string> {
        StreamPair below = memory_pair();
        RawTls client(plain_client()->make_session("example.org"));
        SSL_set1_groups_list(client.ssl(), groups);
        Task<bool> shaking = spawn(client.handshake(*below.far));
        const TlsEnd end = co_await accept_tls(std::move(below.near), plain_server());
        (void)co_await shaking;
        co_return end ? "accepted" : end.error().message();
      });
    };
    CHECK(end_with("P-256") == "accepted");
    CHECK(end_with("X25519") == "accepted");
    CHECK(end_with("P-384:P-256") == "accepted");  // it is told to choose the other
    CHECK(end_with("P-384") == "no suitable key share");
    CHECK(end_with("P-521:X448") == "no suitable key share");
  }

  TEST_CASE("a client's certificate on P-384 is for TLS 1.3, which has no groups for signatures") {
    const auto own = certificates().make("asks-p384");
    const auto alice = certificates().make("alice-p384", {.names = {}, .key = "P-384"});
    const ServerContext server = server_with({.certificates = {own},
                                              .client_certificate = ClientCertificate::required,
                                              .client_ca = certificates().ca()});
    const ClientContext client =
        client_with({.certificate = alice.certificate, .key = alice.key, .resume = false});
    for (const bool old : {false, true}) {
      run_virtual([&]() -> Coro<> {
        StreamPair below = memory_pair();
        RawTls raw(client->make_session("example.org"));
        if (old) {
          only_tls_1_2(raw.ssl());
        }
        Task<bool> shaking = spawn(raw.handshake(*below.far));
        const TlsEnd end = co_await accept_tls(std::move(below.near), server);
        (void)co_await shaking;
        CHECK(end.has_value() == !old);
      });
    }
  }

  TEST_CASE("in a world without threads slow signatures are made all the same") {
    const ServerContext server = server_of("simulated-rsa", "RSA");
    for (const std::uint64_t seed : {1, 2, 3}) {
      Simulation world(seed);
      world.run([&]() -> Coro<> {
        TlsEnds ends = co_await shake_hands(memory_pair(), server, stranger());
        REQUIRE(ends.server.has_value());
        co_await exchange(**ends.server, **ends.client);
      });
    }
  }
}
