// The programs of docs/runtime/tls.md.
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include <simul/simul.hpp>

#include "certificates.hpp"

using namespace simul;
using namespace std::chrono_literals;

namespace {

// [server]
using Context = std::shared_ptr<const TlsServerContext>;

Coro<> talk(SocketStream socket, Context context) {
  auto handshake = [&] {
    return accept_tls(std::make_unique<SocketStream>(std::move(socket)), context);
  };
  const auto peer = co_await move_on_after(10s, handshake);
  if (!peer || !*peer) {
    co_return;  // it took too long, or it failed: (*peer).error() says why
  }
  TlsStream& stream = ***peer;  // a Stream like every other
  while (auto chunk = co_await stream.recv()) {
    if (!co_await stream.send(*chunk)) {
      break;
    }
  }
}

Coro<> serve_tls(SocketListener listener, Context context) {
  auto body = [&](TaskGroup& group) -> Coro<> {
    while (auto accepted = co_await listener.accept()) {
      group.spawn(talk, std::move(accepted->stream), context);
    }
  };
  co_await with_group(body);
}
// [/server]

// [client]
Coro<std::string> ask(Endpoint where, std::string host,
                      std::shared_ptr<const TlsClientContext> trust) {
  auto socket = co_await connect(where);
  auto peer =
      co_await connect_tls(std::make_unique<SocketStream>(std::move(socket.value())), trust, host);
  TlsStream& stream = *peer.value();
  (void)co_await stream.send("hello");
  stream.shutdown();  // a half-close: the answer comes all the same
  co_return (co_await stream.read_all(1000)).value();
}
// [/client]

// [reload]
struct Site {
  void reload(const std::string& folder) {  // connections that are open keep what they have
    context = TlsServerContext::load(
        {.certificates = {{.certificate = folder + "/site.pem", .key = folder + "/site.key"}},
         .ticket_keys = context ? context->ticket_keys() : nullptr});  // sessions survive
  }
  Context context;
};
// [/reload]

}  // namespace

TEST_SUITE("documents: tls") {
  TEST_CASE("server, client, reload") {
    test::Certificates made;
    (void)made.make("site", {.names = {"localhost"}});
    Site site;
    site.reload(made.folder());
    const auto before = site.context->ticket_keys();
    site.reload(made.folder());
    CHECK(site.context->ticket_keys() == before);

    SocketListener listener = listen(*Endpoint::parse("127.0.0.1:0"));
    const Endpoint where = listener.local_endpoint();
    const auto trust = TlsClientContext::load({.ca = made.ca()});
    run([&]() -> Coro<> {
      Task<> server = spawn(serve_tls(std::move(listener), site.context));
      CHECK(co_await ask(where, "localhost", trust) == "hello");
      server.cancel();
    }());
  }
}
