// The generator over TLS: handshakes and sessions, what is held, and what goes wrong.
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <simul/sleep.hpp>
#include <simul/testing.hpp>

#include "certificates.hpp"
#include "under_load.hpp"

namespace {

using namespace simul;
using namespace simul::load;
using namespace simul::load::test;
using simul::test::certificates;
using namespace std::chrono_literals;

const ServerContext& server() {
  static const ServerContext context = TlsServerContext::load(
      {.certificates = {certificates().make("load", {.names = {"127.0.0.1", "example.org"}})}});
  return context;
}

/// Runs a load test that trusts the tests' authority.
Report test_tls(
    const Serve& serve, const std::function<void(Options&)>& change = [](Options&) {},
    std::string_view scheme = "tls", const ServerContext& tls = server(),
    Environment& environment = Environment::real()) {
  SocketListener listener = listen(*Endpoint::parse("127.0.0.1:0"));
  Options options = quick(scheme, listener);
  options.tls.ca = certificates().ca();
  change(options);
  return load_against(listener, serve, options, tls, environment);
}

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Coro<> answer_and_close(Stream& peer) {
  if (co_await peer.recv()) {
    (void)co_await peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
  }
}

TEST_CASE("an echo server over TLS passes, and the report says how it was spoken to") {
  const Report report = test_tls(echo);
  CHECK(report.passed());
  CHECK(report.messages == 10 * 20);
  CHECK(report.bytes_sent == 10 * 20 * 64);  // of the messages, not of TLS
  CHECK(report.verified_concurrent == 10);
  CHECK(report.handshakes.full.count() + report.handshakes.resumed.count() == 10);
  CHECK(report.handshakes.full.min() > 0);
  CHECK(report.handshakes.ciphers ==
        std::map<std::string, std::uint64_t>{{"TLSv1.3 TLS_AES_256_GCM_SHA384", 10}});
  CHECK(mentions(to_text(report), "TLSv1.3 TLS_AES_256_GCM_SHA384"));
  CHECK(mentions(to_text(report), " full: p50 "));
  const auto json = nlohmann::json::parse(to_json(report));
  CHECK(json["tls"]["full_ns"]["count"] == report.handshakes.full.count());
  CHECK(json["tls"]["resumed_ns"]["count"] == report.handshakes.resumed.count());
  CHECK(json["tls"]["ciphers"]["TLSv1.3 TLS_AES_256_GCM_SHA384"] == 10);
  CHECK(json["options"]["insecure"] == false);
}

TEST_CASE("several messages in flight are all verified, over TLS by several threads") {
  SocketListener listener = listen(*Endpoint::parse("127.0.0.1:0"));
  Options options = quick("tls", listener);
  options.tls.ca = certificates().ca();
  options.connections = 15;
  options.threads = 3;
  options.depth = 7;
  options.messages = 50;
  const Serve serve = echo;
  Loop loop;
  std::jthread thread([&] { loop.run_until_complete(accept_all(listener, serve, server())); });
  const Report report = run(options);
  loop.post([&] { listener.close(); });
  CHECK(report.passed());
  CHECK(report.messages == 15 * 50);
}

TEST_CASE("more in flight than the sockets can hold doesn't lock up over TLS") {
  const Report report = test_tls(echo, [](Options& options) {
    options.connections = 2;
    options.size = std::uint64_t{4} << 20;
    options.depth = 3;
    options.messages = 4;
  });
  CHECK(report.passed());
  CHECK(report.messages == 8);
}

/// Answers a message, and no other before it has as many more as may be in flight.
Coro<> answer_late(Stream& peer, std::size_t size, std::size_t depth) {
  std::vector<std::byte> messages;
  for (const std::size_t count : {std::size_t{1}, std::size_t{1}, depth}) {  // the first to greet
    messages.resize(count * size);
    if (!co_await peer.read_exactly(messages) || !co_await peer.send(messages)) {
      co_return;
    }
    co_await sleep(2ms);  // the client asks for one more meanwhile
  }
}

TEST_CASE("what TLS holds of a message goes out although nothing more is to be sent") {
  // At one of these depths the Unix socket is full when the one more is sent: its record is held, and its
  // reply, the only thing that the client waits for, doesn't come before that is gone.
  constexpr std::size_t kSize = 14'848;
  const Endpoint path = *Endpoint::parse("unix:" + certificates().folder() + "/load.sock");
  for (std::size_t depth = 1; depth <= 24; ++depth) {
    CAPTURE(depth);
    SocketListener listener = listen(path);
    const Options options = {
        .target = {.url = "tls", .endpoint = path, .server_name = "example.org"},
        .connections = 1,
        .depth = depth,
        .size = kSize,
        .messages = depth + 1,
        .timeout = 2s,
        .tls = {.ca = certificates().ca()}};
    const auto late = [depth](Stream& peer) { return answer_late(peer, kSize, depth); };
    const Report report = load_against(listener, late, options, server());
    CHECK(report.errors.empty());
    CHECK(report.messages == depth + 1);
  }
}

TEST_CASE("connections that are opened again take up sessions, unless told not to") {
  const auto reopening = [](Options& options) { options.connections = 3; };
  const Report report = test_tls(answer_and_close, reopening, "https");
  CHECK(report.errors.empty());
  CHECK(report.messages == 3 * 20);
  CHECK(report.handshakes.full.count() <= 3);
  CHECK(report.handshakes.resumed.count() >= 3 * 20);

  const Report fresh = test_tls(
      answer_and_close,
      [&](Options& options) {
        reopening(options);
        options.tls.resume = false;
      },
      "https");
  CHECK(fresh.messages == 3 * 20);
  CHECK(fresh.handshakes.full.count() >= 3 * 20);
  CHECK(fresh.handshakes.resumed.count() == 0);
  CHECK(nlohmann::json::parse(to_json(fresh))["options"]["sessionid"] == false);
}

TEST_CASE("https offers http/1.1 to servers that want to know, tls offers nothing") {
  const ServerContext choosy = TlsServerContext::load(
      {.certificates = {certificates().make("choosy", {.names = {"127.0.0.1"}})},
       .alpn = {"h2", "http/1.1"}});
  std::vector<std::string> chosen;
  const auto note = [&](Stream& peer) -> Coro<> {
    chosen.emplace_back(dynamic_cast<TlsStream&>(peer).alpn());
    co_await answer_and_close(peer);
  };
  const auto once = [](Options& options) {
    options.connections = 1;
    options.messages = 1;
  };
  CHECK(test_tls(note, once, "https", choosy).errors.empty());
  REQUIRE_FALSE(chosen.empty());
  CHECK(chosen.front() == "http/1.1");
  chosen.clear();
  (void)test_tls(note, once, "tls", choosy);
  REQUIRE_FALSE(chosen.empty());
  CHECK(chosen.front().empty());
}

TEST_CASE("a server that can't be verified is said at once, with the cure") {
  const auto untrusted = [](Options& options) { options.tls.ca.clear(); };
  const Report report = test_tls(echo, untrusted);
  CHECK_FALSE(report.passed());
  CHECK(report.unreachable == "TLS handshake: unable to get local issuer certificate");
  CHECK(errors_of(report, "tls") > 0);
  CHECK(report.measured < 1s);
  CHECK(mentions(to_text(report), "--cacert FILE"));
  CHECK(mentions(to_text(report), "--insecure"));

  const Report insecure = test_tls(echo, [&](Options& options) {
    untrusted(options);
    options.tls.verify = false;
  });
  CHECK(insecure.passed());
  CHECK(nlohmann::json::parse(to_json(insecure))["options"]["insecure"] == true);
}

TEST_CASE("a certificate has to be for the host of the URL") {
  const ServerContext other =
      TlsServerContext::load({.certificates = {certificates().make("other")}});
  const auto never = [](Options&) {};
  CHECK(test_tls(echo, never, "tls", other).unreachable == "TLS handshake: IP address mismatch");
}

TEST_CASE("a server that refuses the client is not called reached") {
  const auto alice = certificates().make("alice", {.names = {}});
  const ServerContext strict = TlsServerContext::load(
      {.certificates = {certificates().make("strict", {.names = {"127.0.0.1"}})},
       .client_certificate = ClientCertificate::required,
       .client_ca = certificates().ca()});
  const Report refused = test_tls(echo, [](Options&) {}, "tls", strict);
  CHECK(mentions(refused.unreachable, "certificate required"));
  CHECK(mentions(to_text(refused), "--cert FILE"));
  CHECK(refused.measured < 1s);
  const Report known = test_tls(
      echo,
      [&](Options& options) {
        options.tls.certificate = alice.certificate;
        options.tls.key = alice.key;
      },
      "tls", strict);
  CHECK(known.passed());
}

TEST_CASE("a server that doesn't speak TLS is said at once") {
  const Report report = test_tls(echo, [](Options&) {}, "tls", nullptr);
  CHECK(report.unreachable.starts_with("TLS handshake: "));
  CHECK(mentions(to_text(report), "Does it speak TLS there?"));
  CHECK_FALSE(mentions(to_text(report), "--cacert"));
  CHECK(errors_of(report, "tls") > 0);
}

TEST_CASE("a handshake has to be done within the timeout, too") {
  VirtualClock clock;
  const auto silent = [](Stream& peer) -> Coro<> {
    while (co_await peer.recv()) {
    }
  };
  const Report report =
      test_tls(silent, [](Options& options) { options.timeout = 3s; }, "tls", nullptr, clock);
  CHECK(report.unreachable == "no TLS handshake within 3s");
  CHECK(errors_of(report, "connect-timeout") > 0);
}

TEST_CASE("what can't be loaded keeps the test from beginning") {
  const auto reason = [](const std::function<void(Options&)>& change) -> std::string {
    try {
      (void)test_tls(echo, change);
    } catch (const CannotStart& error) {
      return error.what();
    }
    return "none";
  };
  CHECK(reason([](Options& options) { options.tls.ca = "/nowhere/ca.pem"; }) ==
        "/nowhere/ca.pem: No such file or directory");
  CHECK(mentions(reason([](Options& options) { options.tls.certificate = certificates().ca(); }),
                 "no private key in PEM form is in this file"));
}

}  // namespace
