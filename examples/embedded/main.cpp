// An echo server in a program of one's own: no YAML, no daemon, only the library.
//
//   embedded 127.0.0.1:7000
#include <cstdio>
#include <exception>

#include <simul/simul.hpp>

using namespace simul;

Coro<> echo(Connection& peer) {
  while (auto chunk = co_await peer.recv()) {
    if (!co_await peer.send(*chunk)) {
      break;
    }
  }
}

int main(int argc, char** argv) try {
  const auto endpoint = Endpoint::parse(argc > 1 ? argv[1] : "127.0.0.1:7000");
  SocketListener listener = listen(endpoint.value());
  std::printf("listening on %s\n", listener.local_endpoint().to_string().c_str());
  std::fflush(stdout);
  run(serve(std::move(listener), echo));
} catch (const std::exception& error) {
  std::fprintf(stderr, "embedded: %s\n", error.what());
  return 1;
}
