// A stranger's program: an echo server and its client on one loop. See ../run.
#include <cstdio>

#include <simul/simul.hpp>

using namespace simul;

Coro<> echo(Connection& peer) {
  while (auto chunk = co_await peer.recv()) {
    co_await peer.send(*chunk);
  }
}

Coro<int> talk() {
  SocketListener listener = listen(*Endpoint::parse("127.0.0.1:0"));
  const Endpoint endpoint = listener.local_endpoint();
  Task<> server = spawn(serve(std::move(listener), echo));
  auto peer = co_await connect(endpoint);
  co_await peer.value().send("hello from the installed library\n");
  auto reply = co_await peer->recv();
  std::printf("%s", std::string(reply.value().text()).c_str());
  co_return 0;
}

int main() { return run(talk()); }
