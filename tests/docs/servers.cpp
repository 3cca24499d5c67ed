// The programs of docs/runtime/servers.md.
#include <netdb.h>
#include <sys/socket.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <simul/simul.hpp>
#include <simul/testing.hpp>

using namespace simul;
using namespace std::chrono_literals;

namespace {

// [one]
Coro<> echo(Connection& peer) {
  while (auto chunk = co_await peer.recv()) {
    if (!co_await peer.send(*chunk)) {
      break;
    }
  }
}

Coro<> signalled(SignalSet& signals) { co_await signals.next(); }

Coro<> serve_until_signalled(SocketListener listener) {
  SignalSet signals({SIGTERM, SIGINT});  // blocked from here on: see below for several threads
  co_await race(serve(std::move(listener), echo), signalled(signals));
}
// [/one]

Coro<std::string> answer(std::string question) {
  co_await sleep(1h);
  co_return question + "? 42\n";
}

// [idle]
Coro<> answer_questions(Connection& peer) {
  for (;;) {
    peer.set_idle_timeout(5min);  // between two questions there is no hurry
    const auto question = co_await peer.read_line();
    if (!question) {
      co_return;
    }
    peer.set_idle_timeout(0s);  // it is we who keep the peer waiting
    const std::string reply = co_await answer(*question);
    peer.set_idle_timeout(10s);
    if (!co_await peer.send(reply)) {
      co_return;
    }
  }
}
// [/idle]

// [all]
Coro<> changed(WatchReceiver<bool> stop) { (void)co_await stop.changed(); }

void serve_on_all_processors(const Endpoint& endpoint) {
  SignalSet signals({SIGTERM, SIGINT});  // before the threads, which inherit that they are blocked
  LoopGroup loops(usable_processors());
  const ListenerConfig echo_port{.name = "echo", .endpoint = endpoint};
  auto acquired = acquire_listeners(std::span(&echo_port, 1), loops.size());
  std::vector<SocketListener> sockets = std::move(acquired.front().sockets);
  auto [stop, stopped] = watch_channel(false);

  loops.run([&](Loop&, std::size_t index) -> Coro<> {
    SocketListener& listener = sockets[index];
    if (index > 0) {
      co_await race(serve(std::move(listener), echo), changed(stopped));
      co_return;
    }
    co_await race(serve(std::move(listener), echo), signalled(signals));
    stop.send(true);
  });
}
// [/all]

// [client]
Coro<> greet(Connection& peer) {
  std::string name = peer.peer().to_string();  // behind a proxy: of the client, not of the proxy
  if (const TlsStream* const tls = peer.tls()) {
    const TlsIdentity client = tls->peer_identity();
    if (!client.subject.empty()) {  // it has shown a certificate, and that was verified
      name = client.subject;
    }
  }
  if (const ProxyHeader* const header = peer.proxy_header()) {
    if (const std::string* const id = header->find(ProxyTlv::kUniqueId)) {
      log(LogLevel::info, "request " + *id + " of " + name);
    }
  }
  const std::string greeting = "Hello, " + name + "\n";
  (void)co_await peer.send(greeting);
}
// [/client]

// [log]
void log_to_stdout() {
  set_log_sink([](LogLevel level, std::string_view message) {  // called on any thread
    if (level >= LogLevel::warning) {
      std::printf("<%d> %.*s\n", static_cast<int>(level), static_cast<int>(message.size()),
                  message.data());
    }
  });
}
// [/log]

// [resolve]
std::vector<Endpoint> resolve_blocking(const std::string& host, const std::string& port) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &wanted, &found); error != 0) {
    throw std::runtime_error(host + ": " + ::gai_strerror(error));
  }
  std::vector<Endpoint> endpoints;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    sockaddr_storage address{};
    std::memcpy(&address, one->ai_addr, one->ai_addrlen);
    endpoints.push_back(Endpoint::from_sockaddr(address, one->ai_addrlen));
  }
  ::freeaddrinfo(found);
  return endpoints;
}

Coro<SocketStream> connect_to_host(std::string host, std::string port) {
  for (const Endpoint& endpoint : co_await to_thread(resolve_blocking, host, port)) {
    if (auto peer = co_await connect(endpoint)) {
      co_return std::move(*peer);
    }
  }
  throw std::runtime_error(host + ": no address answers");
}
// [/resolve]

}  // namespace

TEST_SUITE("documents: servers") {
  TEST_CASE("one") {
    SocketListener listener = listen(*Endpoint::parse("127.0.0.1:0"));
    const Endpoint where = listener.local_endpoint();
    run([](SocketListener listening, Endpoint to) -> Coro<> {
      Task<> server = spawn(serve_until_signalled(std::move(listening)));
      auto peer = co_await connect(to);
      REQUIRE(peer.has_value());
      CHECK((co_await peer->send("hello")).has_value());
      CHECK((co_await peer->recv())->text() == "hello");
      ::raise(SIGTERM);
      co_await server;
    }(std::move(listener), where));
  }

  TEST_CASE("idle") {
    VirtualClock clock;
    Loop loop(clock);
    loop.run_until_complete([]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      Connection peer(near, Endpoint(), 1);
      Task<> handler = spawn([](Connection& served) -> Coro<> {
        served.supervise(co_await detail::this_task, 5s);
        co_await answer_questions(served);
      }(peer));
      (void)co_await far.send("why\n");
      CHECK(co_await far.read_line() == "why? 42");
      const TimePoint answered = Loop::current().exact_now();
      CHECK_THROWS_AS(co_await handler, TaskCancelled);
      CHECK(Loop::current().exact_now() - answered == 5min);
    }());
  }

  TEST_CASE("all") {
    SignalSet blocked({SIGTERM});
    ::raise(SIGTERM);  // it waits for the server
    serve_on_all_processors(*Endpoint::parse("127.0.0.1:0"));
  }

  TEST_CASE("resolve") {
    SocketListener listener = listen(*Endpoint::parse("127.0.0.1:0"));
    const std::string port = std::to_string(listener.local_endpoint().port());
    run([](SocketListener listening, std::string number) -> Coro<> {
      SocketStream peer = co_await connect_to_host("localhost", number);
      CHECK(peer.peer_endpoint() == listening.local_endpoint());
    }(std::move(listener), port));
  }

  TEST_CASE("client") {
    run([]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      Connection peer(near, *Endpoint::parse("192.0.2.7:4711"), 1);
      co_await greet(peer);
      CHECK((co_await far.recv())->text() == "Hello, 192.0.2.7:4711\n");
    }());
  }

  TEST_CASE("log") {
    log_to_stdout();
    log(LogLevel::debug, "nobody sees this");
    set_log_sink({});
  }
}
