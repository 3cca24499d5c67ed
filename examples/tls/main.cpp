// An echo server over TLS.
//
//   openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
//     -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem
//   tls 127.0.0.1:7443 cert.pem key.pem
//   openssl s_client -connect 127.0.0.1:7443 -CAfile cert.pem
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <string_view>
#include <utility>

#include <simul/simul.hpp>

using namespace simul;
using namespace std::chrono_literals;

void report(std::string_view what, std::string_view how) {
  std::printf("%.*s, %.*s\n", static_cast<int>(what.size()), what.data(),
              static_cast<int>(how.size()), how.data());
  std::fflush(stdout);
}

// [server]
using Context = std::shared_ptr<const TlsServerContext>;

Coro<> talk(SocketStream socket, Context context) {
  auto handshake = [&] {
    return accept_tls(std::make_unique<SocketStream>(std::move(socket)), context);
  };
  const auto peer = co_await move_on_after(10s, handshake);
  if (!peer || !*peer) {
    report("no handshake", peer ? peer->error().message() : "it took too long");
    co_return;
  }
  TlsStream& stream = ***peer;  // a Stream like every other
  report(stream.version(), stream.resumed() ? "resumed" : "new");
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

int main(int argc, char** argv) try {
  if (argc != 4) {
    std::fprintf(stderr, "usage: tls ADDRESS CERTIFICATE KEY\n");
    return 2;
  }
  const Context context =
      TlsServerContext::load({.certificates = {{.certificate = argv[2], .key = argv[3]}}});
  SocketListener listener = listen(Endpoint::parse(argv[1]).value());
  std::printf("listening on %s\n", listener.local_endpoint().to_string().c_str());
  std::fflush(stdout);
  run(serve_tls(std::move(listener), context));
} catch (const std::exception& error) {
  std::fprintf(stderr, "tls: %s\n", error.what());
  return 1;
}
