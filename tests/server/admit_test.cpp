#include "admit.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include <simul/connection.hpp>
#include <simul/gather.hpp>
#include <simul/sleep.hpp>
#include <simul/testing.hpp>
#include <simul/tls_stream.hpp>

#include "certificates.hpp"
#include "service.hpp"

namespace {

using namespace simul;
using namespace simul::server;
using namespace std::chrono_literals;
using simul::test::certificates;

using Result = std::expected<Admitted, Refusal>;

/// A listener of which single connections are admitted, on a loop whose time passes only when nothing else
/// is left to do.
class Door {
 public:
  explicit Door(config::ListenerSettings settings)
      : settings_(std::move(settings)), loop_(clock_), service_(settings_, nullptr) {
    settings_.handshake_timeout = 10s;
    service_.endpoint = *Endpoint::parse("127.0.0.1:0");
    if (service_.tls) {
      REQUIRE(service_.tls->load().empty());
    }
  }

  /// What becomes of a connection whose client does this.
  Result admit_one(std::function<Coro<>(SocketStream)> client) {
    std::optional<Result> result;
    auto both = [&]() -> Coro<> {
      SocketListener listener = listen(service_.endpoint);
      auto connected = co_await connect(listener.local_endpoint());
      auto accepted = co_await listener.accept();
      auto admit_it = [&]() -> Coro<> { result = co_await admit(*std::move(accepted), service_); };
      co_await gather(admit_it(), client(*std::move(connected)));
    };
    loop_.run_until_complete(both());
    return *std::move(result);
  }

  [[nodiscard]] TimePoint now() noexcept { return clock_.now(); }

 private:
  config::ListenerSettings settings_;
  VirtualClock clock_;
  Loop loop_;
  Service service_;
};

config::TlsSettings tls_of(const TlsCertificate& files) {
  return {.certificates = {{.certificate = {.path = files.certificate},
                            .key = {.path = files.key},
                            .ocsp = {}}},
          .client_ca = {},
          .alpn = {}};
}

config::ListenerSettings listener() { return {.name = "test", .address = {}, .protocol = "test"}; }

config::ListenerSettings proxied() {
  config::ListenerSettings settings = listener();
  settings.proxy_protocol = config::ProxyProtocol::required;
  settings.trusted_proxies = {*Network::parse("127.0.0.0/8")};
  return settings;
}

const ProxyHeader kHeader = {.source = *Endpoint::parse("192.0.2.7:4711"),
                             .destination = *Endpoint::parse("198.51.100.1:443"),
                             .tlvs = {{.type = ProxyTlv::kUniqueId, .value = "id-1"}}};

TEST_CASE("a header and a handshake make a connection with its client's address and certificate") {
  config::ListenerSettings settings = proxied();
  settings.tls = tls_of(certificates().make("admit-server"));
  settings.tls->client_ca.path = certificates().ca();
  Door door(std::move(settings));
  const TlsCertificate own = certificates().make("admit-client", {.common_name = "alice"});
  const auto context = TlsClientContext::load(
      {.ca = certificates().ca(), .certificate = own.certificate, .key = own.key});

  const Result admitted = door.admit_one([&](SocketStream stream) -> Coro<> {
    const std::string header = proxy_header_v2(kHeader, ProxyChecksum::crc32c);
    (void)co_await stream.send(header);
    auto secured = co_await connect_tls(std::make_unique<SocketStream>(std::move(stream)), context,
                                        "example.org");
    if (secured) {
      (*secured)->close();
    }
  });

  REQUIRE(admitted);
  CHECK(admitted->peer == kHeader.source);
  REQUIRE(admitted->proxy_header != nullptr);
  CHECK(admitted->proxy_header->tlvs == kHeader.tlvs);
  const Connection connection(*admitted->stream, admitted->peer, 1);
  REQUIRE(connection.tls() != nullptr);
  CHECK(connection.tls()->peer_identity().subject == "CN=alice");
  CHECK(connection.tls()->server_name() == "example.org");
}

TEST_CASE("a plain connection has neither TLS nor a proxy") {
  auto [near, far] = memory_stream_pair();
  const Connection connection(near, Endpoint(), 1);
  CHECK(connection.tls() == nullptr);
  CHECK(connection.proxy_header() == nullptr);
}

TEST_CASE("a client that stops in the middle of the handshake is refused at the deadline") {
  config::ListenerSettings settings = listener();
  settings.tls = tls_of(certificates().make("admit-deadline"));
  Door door(std::move(settings));
  const TimePoint begin = door.now();
  const Result admitted = door.admit_one([](SocketStream stream) -> Coro<> {
    (void)co_await stream.send("\x16\x03\x01");
    CHECK_FALSE(co_await stream.recv());
  });
  REQUIRE_FALSE(admitted);
  CHECK(admitted.error().reason == Refusal::Reason::timeout);
  CHECK(admitted.error().text == "TLS handshake: not complete after 10s");
  CHECK(door.now() - begin == 10s);
}

TEST_CASE("header and handshake share one deadline") {
  config::ListenerSettings settings = proxied();
  settings.tls = tls_of(certificates().make("admit-shared"));
  Door door(std::move(settings));
  const TimePoint begin = door.now();
  const Result admitted = door.admit_one([](SocketStream stream) -> Coro<> {
    co_await simul::sleep(7s);
    const std::string header = proxy_header_v1(kHeader);
    (void)co_await stream.send(header);
    CHECK_FALSE(co_await stream.recv());
  });
  REQUIRE_FALSE(admitted);
  CHECK(admitted.error().text == "TLS handshake: not complete after 10s");
  CHECK(admitted.error().peer == kHeader.source);
  CHECK(door.now() - begin == 10s);
}

TEST_CASE("a client that leaves by itself is no reason to worry") {
  for (const bool over_tls : {false, true}) {
    config::ListenerSettings settings = over_tls ? listener() : proxied();
    if (over_tls) {
      settings.tls = tls_of(certificates().make("admit-gone"));
    }
    Door door(std::move(settings));
    const Result admitted = door.admit_one([](SocketStream stream) -> Coro<> {
      stream.close();
      co_return;
    });
    REQUIRE_FALSE(admitted);
    CHECK(admitted.error().reason == Refusal::Reason::gone);
  }
}

}  // namespace
