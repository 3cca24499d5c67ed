#include "shard.hpp"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <simul/error.hpp>
#include <simul/sleep.hpp>
#include <simul/testing.hpp>

#include "captured_log.hpp"

namespace {

using namespace simul;
using namespace simul::server;
using namespace std::chrono_literals;
using testing::CapturedLog;

Coro<> echo(Connection& peer) {
  while (auto chunk = co_await peer.recv_message()) {
    if (!co_await peer.send(*chunk)) {
      break;
    }
  }
}

class HandlerProtocol final : public Protocol {
 public:
  explicit HandlerProtocol(Handler handler) : handler_(std::move(handler)) {}
  Coro<> serve(Connection& peer) override { return handler_(peer); }

 private:
  Handler handler_;
};

struct Limits {
  std::uint32_t total = 100;
  std::optional<std::uint32_t> listener{};
  Duration idle_timeout{0};
};

/// A shard with one listener, on a loop whose time passes only when nothing else is left to do.
class ShardOf {
 public:
  explicit ShardOf(Handler handler, const Limits& limits = {})
      : settings_{.name = "test",
                  .address = *Endpoint::parse("127.0.0.1:0"),
                  .protocol = "test",
                  .idle_timeout = limits.idle_timeout,
                  .max_connections = limits.listener},
        loop_(clock_),
        total_(limits.total),
        shard_(loop_, 0, 1, services_, total_) {
    Service& service =
        services_.emplace_back(settings_, std::make_unique<HandlerProtocol>(std::move(handler)));
    service.sockets.push_back(listen(settings_.address));
    address_ = service.sockets.front().local_endpoint();
  }

  /// Runs `body` while the shard accepts, then drains; all clients have to be gone by themselves.
  void run(std::function<Coro<>()> body) {
    const auto main = [&]() -> Coro<> {
      co_await shard_.start();
      shard_.accept();
      co_await body();
      co_await end();
      co_await shard_.stop();
    };
    loop_.run_until_complete(main());
  }

  Coro<> end() {
    co_await shard_.stop_accepting();
    co_await shard_.drain();
  }

  Coro<SocketStream> client() {
    auto stream = co_await connect(address_);
    REQUIRE(stream);
    co_return *std::move(stream);
  }

  Shard& operator*() noexcept { return shard_; }
  Shard* operator->() noexcept { return &shard_; }
  ConnectionLimit& total() noexcept { return total_; }
  TimePoint now() noexcept { return clock_.now(); }

 private:
  config::ListenerSettings settings_;
  VirtualClock clock_;
  Loop loop_;
  std::deque<Service> services_;
  ConnectionLimit total_;
  Shard shard_;
  Endpoint address_;
};

Coro<bool> is_served(SocketStream& client) {
  (void)co_await client.send("ping");
  auto reply = co_await client.recv();
  co_return reply && reply->text() == "ping";
}

/// Did the server answer what was sent before? Without waiting.
bool has_answer(SocketStream& client) {
  char byte = 0;
  return ::recv(client.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/// Lets everything that is ready have its turn, several times over.
Coro<> settle() {
  for (int i = 0; i < 20; ++i) {
    co_await yield_now();
  }
}

Coro<std::error_code> end_of(SocketStream& client) {
  auto chunk = co_await client.recv();
  co_return chunk ? std::error_code() : chunk.error();
}

TEST_CASE("connections are served and counted") {
  ShardOf shard(echo);
  shard.run([&]() -> Coro<> {
    {
      SocketStream first = co_await shard.client();
      SocketStream second = co_await shard.client();
      CHECK(co_await is_served(first));
      CHECK(co_await is_served(second));
      CHECK(shard->statistics().current == 2);
      CHECK(shard->statistics().bytes_in == 8);  // those of living connections, too
    }
    co_await settle();
    SocketStream third = co_await shard.client();
    CHECK(co_await is_served(third));
  });
  const Statistics statistics = shard->statistics();
  CHECK(statistics.accepted == 3);
  CHECK(statistics.current == 0);
  CHECK(statistics.bytes_in == 12);
  CHECK(statistics.bytes_out == 12);
  CHECK(statistics.closed[static_cast<std::size_t>(CloseReason::handler)] == 3);
  CHECK(shard.total().peak() == 2);
  CHECK(shard.total().current() == 0);
}

void check_that_the_third_waits(const Limits& limits) {
  ShardOf shard(echo, limits);
  shard.run([&]() -> Coro<> {
    SocketStream first = co_await shard.client();
    SocketStream second = co_await shard.client();
    CHECK(co_await is_served(first));
    CHECK(co_await is_served(second));
    SocketStream third = co_await shard.client();
    (void)co_await third.send("ping");
    co_await sleep(1h);
    CHECK_FALSE(has_answer(third));
    CHECK(shard->statistics().current == 2);
    const TimePoint before = shard.now();
    first.close();
    CHECK((co_await third.recv())->text() == "ping");
    CHECK(shard.now() == before);  // woken, not by a timer
  });
  CHECK(shard->statistics().accepted == 3);
  CHECK(shard.total().peak() == 2);
}

TEST_CASE("over the server's limit a connection waits until another has ended") {
  check_that_the_third_waits({.total = 2});
}

TEST_CASE("over the listener's limit a connection waits until another has ended") {
  check_that_the_third_waits({.listener = 2});
}

TEST_CASE("a handler that throws ends its own connection only") {
  const CapturedLog log;
  auto handler = [](Connection& peer) -> Coro<> {
    auto chunk = co_await peer.recv();
    if (chunk && chunk->text() == "die") {
      throw std::runtime_error("no reason");
    }
    co_await echo(peer);
  };
  ShardOf shard(handler);
  shard.run([&]() -> Coro<> {
    SocketStream witness = co_await shard.client();
    SocketStream victim = co_await shard.client();
    (void)co_await victim.send("die");
    CHECK(co_await end_of(victim) == std::errc::connection_reset);
    (void)co_await witness.send("live");
    co_await settle();
    CHECK(co_await is_served(witness));
  });
  CHECK(log.has("connection 2 of 127.0.0.1:"));
  CHECK(
      log.has(" to 'test', 3 bytes in, 0 bytes out failed: no reason; thrown at shard_test.cpp:"));
  CHECK_FALSE(log.has("nobody waits"));
  CHECK(shard->statistics().closed[static_cast<std::size_t>(CloseReason::failed)] == 1);
}

TEST_CASE("a protocol that throws before its first step refuses that connection") {
  const CapturedLog log;
  ShardOf shard([](Connection&) -> Coro<> { throw std::runtime_error("not today"); });
  shard.run([&]() -> Coro<> {
    SocketStream client = co_await shard.client();
    CHECK(co_await end_of(client));
  });
  CHECK(log.has("not today"));
  CHECK(shard.total().current() == 0);
}

TEST_CASE("failures of many connections give a few lines") {
  const CapturedLog log;
  ShardOf shard([](Connection&) -> Coro<> {
    throw std::runtime_error("again");
    co_return;
  });
  shard.run([&]() -> Coro<> {
    for (int i = 0; i < 100; ++i) {
      SocketStream client = co_await shard.client();
      CHECK(co_await end_of(client));
    }
  });
  const std::string text = log.text();
  CHECK(std::count(text.begin(), text.end(), '\n') == LogThrottle::kLinesPerSecond);
  CHECK(shard->statistics().closed[static_cast<std::size_t>(CloseReason::failed)] == 100);
}

TEST_CASE("a silent peer is closed after the idle timeout, a talking one is not") {
  ShardOf shard(echo, {.idle_timeout = 10s});
  shard.run([&]() -> Coro<> {
    SocketStream silent = co_await shard.client();
    SocketStream talker = co_await shard.client();
    for (int i = 0; i < 4; ++i) {
      co_await sleep(4s);
      CHECK(co_await is_served(talker));
    }
    CHECK(co_await end_of(silent) == Errc::end_of_stream);
    CHECK(shard->statistics().current == 1);
  });
  CHECK(shard->statistics().closed[static_cast<std::size_t>(CloseReason::idle_timeout)] == 1);
}

TEST_CASE("a drain ends those that wait for a message, at once") {
  ShardOf shard(echo);
  TimePoint before;
  shard.run([&]() -> Coro<> {
    std::vector<SocketStream> clients;
    for (int i = 0; i < 5; ++i) {
      clients.push_back(co_await shard.client());
      CHECK(co_await is_served(clients.back()));
    }
    before = shard.now();
    co_await shard.end();
    for (SocketStream& client : clients) {
      CHECK(co_await end_of(client) == Errc::end_of_stream);
    }
  });
  CHECK(shard.now() == before);
  CHECK(shard->statistics().closed[static_cast<std::size_t>(CloseReason::handler)] == 5);
}

TEST_CASE("a drain waits for those that are busy") {
  auto slow = [](Connection& peer) -> Coro<> {
    (void)co_await peer.recv();
    co_await sleep(1min);
    (void)co_await peer.send("done");
  };
  ShardOf shard(slow);
  shard.run([&]() -> Coro<> {
    SocketStream client = co_await shard.client();
    (void)co_await client.send("go");
    co_await settle();
    const TimePoint before = shard.now();
    co_await shard.end();
    CHECK(shard.now() - before >= 1min);
    CHECK((co_await client.recv())->text() == "done");
  });
}

TEST_CASE("after a drain nobody is accepted, nor was anybody lost who waited for a place") {
  ShardOf shard(echo, {.total = 1});
  shard.run([&]() -> Coro<> {
    SocketStream first = co_await shard.client();
    CHECK(co_await is_served(first));
    SocketStream second = co_await shard.client();
    co_await settle();
    co_await shard.end();
    CHECK(co_await end_of(second));
    CHECK(shard.total().current() == 0);
    const auto late = co_await connect(second.peer_endpoint());
    CHECK_FALSE(late);
  });
}

TEST_CASE("what doesn't end is reported, with the place where it stands, and ended") {
  const CapturedLog log;
  auto deaf = [](Connection&) -> Coro<> { co_await sleep_until(kNever); };
  ShardOf shard(deaf);
  shard.run([&]() -> Coro<> {
    std::vector<SocketStream> clients;
    for (int i = 0; i < 8; ++i) {
      clients.push_back(co_await shard.client());
    }
    co_await settle();
    Task<> drained = spawn(shard.end());
    co_await sleep(1h);
    CHECK_FALSE(drained.done());
    shard->end_sessions();
    co_await drained;
    CHECK(co_await end_of(clients.front()) == std::errc::connection_reset);
  });
  CHECK(log.has("still alive: connection 8 of 127.0.0.1:"));
  CHECK(log.has("waits for sleep at shard_test.cpp:"));
  CHECK(log.has("still alive: 3 more"));
  CHECK(shard->statistics().closed[static_cast<std::size_t>(CloseReason::shutdown)] == 8);
}

TEST_CASE("sessions that a loop's end catches are closed, too") {
  ShardOf shard(echo);
  std::optional<SocketStream> client;
  CHECK_THROWS_WITH(shard.run([&]() -> Coro<> {
    client.emplace(co_await shard.client());
    CHECK(co_await is_served(*client));
    throw std::runtime_error("the server's main failed");
  }),
                    "the server's main failed");
  CHECK(shard->statistics().current == 0);
  CHECK(shard.total().current() == 0);
}

/// No descriptor beyond those that are open now can be had while it lives.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const int lowest_free = ::dup(STDIN_FILENO);
    ::close(lowest_free);
    rlimit limit = before_;
    limit.rlim_cur = static_cast<rlim_t>(lowest_free);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  }
  ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;
  NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;

 private:
  rlimit before_{};
};

TEST_CASE("without descriptors the server waits, longer each time, and recovers") {
  const CapturedLog log;
  ShardOf shard(echo);
  shard.run([&]() -> Coro<> {
    SocketStream witness = co_await shard.client();
    CHECK(co_await is_served(witness));
    std::optional<SocketStream> client;
    {
      // The client's socket is the last descriptor that there is.
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const NoMoreDescriptors none;
      sockaddr_storage address{};
      const std::uint32_t size = witness.peer_endpoint().to_sockaddr(address);
      REQUIRE(::connect(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
      client.emplace(fd);
      co_await sleep(10s);
      CHECK(co_await is_served(witness));
    }
    (void)co_await client->send("ping");
    co_await sleep(1s);
    CHECK(has_answer(*client));
  });
  CHECK(log.has("listener 'test': can't accept: Too many open files; trying again in 100 ms"));
  CHECK(log.has("trying again in 1000 ms"));
  const std::string text = log.text();
  CHECK(std::count(text.begin(), text.end(), '\n') <= 14);
  CHECK(shard->statistics().accepted == 2);
}

}  // namespace
