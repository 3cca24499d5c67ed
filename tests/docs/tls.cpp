// The programs of docs/runtime/tls.md, but for the server, which is examples/tls.
#include <memory>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include <simul/simul.hpp>

#include "certificates.hpp"

using namespace simul;

namespace {

using Context = std::shared_ptr<const TlsServerContext>;

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
  TEST_CASE("client, reload") {
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
      Task<> server = spawn([&]() -> Coro<> {
        auto accepted = co_await listener.accept();
        auto peer = co_await accept_tls(std::make_unique<SocketStream>(std::move(accepted->stream)),
                                        site.context);
        const auto all = co_await (*peer)->read_all(1000);
        (void)co_await (*peer)->send(*all);
      });
      CHECK(co_await ask(where, "localhost", trust) == "hello");
      co_await server;
    }());
  }
}
