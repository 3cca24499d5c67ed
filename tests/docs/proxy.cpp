// The programs of docs/runtime/proxy.md.
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include <simul/simul.hpp>

using namespace simul;
using namespace std::chrono_literals;

namespace {

// [client-of]
/// For whom a connection was opened. Nothing: its proxy doesn't say it in time, or as it should.
Coro<std::optional<Endpoint>> client_of(Stream& peer, Endpoint address, const Network& proxies) {
  if (!proxies.contains(address)) {
    co_return address;  // it speaks for itself only
  }
  auto read = [&] { return read_proxy_header(peer, ProxyExpectation::required); };
  const auto header = co_await move_on_after(3s, read);
  if (!header || !*header) {
    co_return std::nullopt;  // it took too long, or (*header).error() says why
  }
  const Endpoint& source = (**header)->source;
  co_return source.family() == Endpoint::Family::unspecified ? address : source;
}
// [/client-of]

// [upstream]
Coro<std::string> ask_for(const Endpoint& client, Endpoint upstream, std::string question) {
  auto stream = (co_await connect(upstream)).value();
  const std::string header =
      proxy_header_v2({.source = client,
                       .destination = upstream,
                       .tlvs = {{.type = ProxyTlv::kAuthority, .value = "example.org"}}},
                      ProxyChecksum::crc32c);
  (void)co_await stream.send(header + question);
  co_return (co_await stream.read_line()).value();
}
// [/upstream]

}  // namespace

TEST_SUITE("documents: proxy") {
  TEST_CASE("a server learns from its proxy who the client is") {
    run([]() -> Coro<> {
      SocketListener listener = listen(*Endpoint::parse("127.0.0.1:0"));
      const Endpoint where = listener.local_endpoint();
      const Endpoint client = *Endpoint::parse("192.0.2.1:56324");
      const Network proxies = *Network::parse("127.0.0.0/8");
      Task<std::string> proxy = spawn(ask_for(client, where, "who am I?\n"));
      auto accepted = (co_await listener.accept()).value();
      CHECK(co_await client_of(accepted.stream, accepted.peer, proxies) == client);
      CHECK(co_await accepted.stream.read_line() == "who am I?");
      (void)co_await accepted.stream.send(client.to_string() + "\n");
      CHECK(co_await proxy == "192.0.2.1:56324");

      auto direct = (co_await connect(where)).value();
      auto other = (co_await listener.accept()).value();
      const Network elsewhere = *Network::parse("10.0.0.0/8");
      CHECK(co_await client_of(other.stream, other.peer, elsewhere) == other.peer);
      (void)co_await direct.send("hello\n");
      CHECK_FALSE((co_await client_of(other.stream, other.peer, proxies)).has_value());
      CHECK(co_await other.stream.read_line() == "hello");
    }());
  }
}
