// open_connection and open_listener: the same program in the world of the kernel and in a simulated one.
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <simul/listener.hpp>
#include <simul/open_connection.hpp>

#include "../harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

const Endpoint kAnyPort = Endpoint::ipv4({127, 0, 0, 1}, 0);
const Endpoint kPort = Endpoint::ipv4({127, 0, 0, 1}, 7000);

using Connected = std::expected<std::unique_ptr<Stream>, std::error_code>;

std::error_code error_of(const auto& result) { return result ? std::error_code() : result.error(); }

Coro<> echo(std::unique_ptr<Stream> peer) {
  while (auto chunk = co_await peer->recv()) {
    if (!co_await peer->send(*chunk)) {
      break;
    }
  }
}

Coro<> serve_echo(Listener& listener) {
  auto body = [&](TaskGroup& group) -> Coro<> {
    while (auto accepted = co_await listener.accept()) {
      group.spawn(echo(std::move(accepted->stream)));
    }
  };
  co_await with_group(body);
}

Coro<std::string> ask(Endpoint endpoint, std::string text) {
  auto peer = co_await open_connection(endpoint);
  if (!peer) {
    co_return "error: " + peer.error().message();
  }
  auto send = [&]() -> Coro<> {
    (void)co_await (*peer)->send(text);
    (*peer)->shutdown();
  };
  Task<> sender = spawn(send());
  std::string answer;
  while (auto chunk = co_await (*peer)->recv()) {
    answer += chunk->text();
  }
  co_await sender;
  co_return answer;
}

/// Every rule that both worlds keep.
Coro<> both_worlds() {
  auto listener = open_listener(kAnyPort);
  const Endpoint where = listener->local_endpoint();
  CHECK(where.port() != 0);
  CHECK(where == kAnyPort.with_port(where.port()));
  bool in_use = false;
  try {
    (void)open_listener(where);
  } catch (const std::system_error& error) {
    in_use = error.code() == std::errc::address_in_use;
  }
  CHECK(in_use);
  Task<> server = spawn(serve_echo(*listener));
  const std::string answer = co_await ask(where, "hello");
  CHECK(answer == "hello");
  listener->close();
  listener->close();
  co_await server;
  const auto closed = co_await listener->accept();
  CHECK(error_of(closed) == Errc::closed);
  const Connected refused = co_await open_connection(where);
  CHECK(error_of(refused) == std::errc::connection_refused);
  auto again = open_listener(where);
  Task<Connected> client = spawn(open_connection(again->local_endpoint()));
  const auto accepted = co_await again->accept();
  CHECK(accepted.has_value());
  CHECK(accepted->peer.is_loopback());
  CHECK(accepted->peer.port() != where.port());
  const bool connected = (co_await client).has_value();
  CHECK(connected);
}

}  // namespace

TEST_SUITE("simulated network") {
  TEST_CASE("the same program runs on the kernel's sockets and in a simulated world") {
    run(both_worlds());
    run_seeds(50, [](std::uint64_t seed) {
      Simulation world(seed);
      world.run(both_worlds());
    });
  }

  TEST_CASE("a server and its clients live on different loops of one thread") {
    const std::string text = pattern(100'000);
    run_seeds(50, [&](std::uint64_t seed) {
      Simulation world(seed);
      Loop& server = world.add_loop("server");
      Loop& clients = world.add_loop("clients");
      world.run([&]() -> Coro<> {
        Task<> serving = spawn(server, []() -> Coro<> {
          auto listener = open_listener(kPort);
          co_await serve_echo(*listener);
        });
        co_await sleep(1s);
        std::vector<Task<std::string>> answers;
        for (std::size_t i = 0; i < 3; ++i) {
          answers.push_back(spawn(clients, ask, kPort, text.substr(i)));
        }
        for (std::size_t i = 0; i < 3; ++i) {
          const std::string answer = co_await answers[i];
          if (answer != text.substr(i)) {
            throw std::runtime_error("wrong answer");
          }
        }
      });
    });
  }

  TEST_CASE("wildcards, ports and paths are told apart as the kernel does") {
    Simulation world;
    world.run([]() -> Coro<> {
      const auto taken = [](const char* text) {
        try {
          (void)open_listener(*Endpoint::parse(text));
        } catch (const std::system_error& error) {
          CHECK(std::string(error.what()).find(text) != std::string::npos);
          return error.code() == std::errc::address_in_use;
        }
        return false;
      };
      auto all = open_listener(*Endpoint::parse("0.0.0.0:80"));
      auto six = open_listener(*Endpoint::parse("[::1]:81"));
      auto path = open_listener(*Endpoint::parse("unix:/run/a.sock"));
      CHECK(taken("127.0.0.1:80"));
      CHECK(taken("[::]:80"));
      CHECK_FALSE(taken("[::1]:80"));
      CHECK_FALSE(taken("0.0.0.0:81"));
      CHECK(taken("[::]:81"));
      CHECK(taken("unix:/run/a.sock"));
      CHECK_FALSE(taken("unix:/run/b.sock"));
      for (const char* text : {"127.0.0.1:80", "[::1]:81", "unix:/run/a.sock"}) {
        const Connected peer = co_await open_connection(*Endpoint::parse(text));
        CHECK(peer.has_value());
      }
      const Connected no_path = co_await open_connection(*Endpoint::parse("unix:/run/b.sock"));
      CHECK(error_of(no_path) == std::errc::no_such_file_or_directory);
      const Connected no_port = co_await open_connection(*Endpoint::parse("127.0.0.1:81"));
      CHECK(error_of(no_port) == std::errc::connection_refused);
    });
  }

  TEST_CASE("who connects to a full queue asks again, and gives up after two minutes") {
    Simulation world;
    world.run([]() -> Coro<> {
      auto listener = open_listener(kPort, {.backlog = 1});
      const Connected first = co_await open_connection(kPort);
      CHECK(first.has_value());
      Task<Connected> second = spawn(open_connection(kPort));
      Task<Connected> third = spawn(open_connection(kPort));
      co_await sleep(10s);
      CHECK_FALSE(second.done());
      (void)co_await listener->accept();
      const TimePoint start = Loop::current().exact_now();
      const Connected& late = co_await second;
      CHECK(late.has_value());
      const Connected& never = co_await third;
      CHECK(error_of(never) == std::errc::timed_out);
      CHECK(Loop::current().exact_now() - start > 50s);
    });
  }

  TEST_CASE("closing a listener resets those who were never accepted, and wakes who accepts") {
    Simulation world;
    world.run([]() -> Coro<> {
      auto listener = open_listener(kPort);
      auto peer = co_await open_connection(kPort);
      listener->close();
      const auto chunk = co_await (*peer)->recv();
      CHECK(error_of(chunk) == std::errc::connection_reset);
      auto other = open_listener(kPort);
      auto accept = [&]() -> Coro<std::error_code> {
        const auto accepted = co_await other->accept();
        co_return error_of(accepted);
      };
      Task<std::error_code> accepting = spawn(accept());
      Task<std::error_code> second = spawn(accept());
      co_await settle();
      CHECK(co_await second == std::errc::device_or_resource_busy);
      other->close();
      CHECK(co_await accepting == Errc::closed);
    });
  }

  TEST_CASE("a listener and a stream may outlive their world") {
    std::unique_ptr<Listener> listener;
    std::unique_ptr<Stream> stream;
    {
      Simulation world(4);
      world.run([&]() -> Coro<> {
        listener = open_listener(kPort);
        auto connected = co_await open_connection(kPort);
        stream = std::move(*connected);
        (void)co_await stream->send("x");
      });
    }
    CHECK(stream->try_closed().error.unpack() == std::errc::connection_reset);
  }

  TEST_CASE("connecting and accepting can be cut anywhere: no connection is lost or doubled") {
    const std::size_t accept_rounds = cancel_everywhere([](Cut& cut) -> Coro<> {
      auto listener = open_listener(kPort);
      int accepted = 0;
      auto connect = []() -> Coro<> {
        for (int i = 0; i < 4; ++i) {
          auto peer = co_await open_connection(kPort);
          if (!peer) {
            throw std::runtime_error("refused");
          }
          (void)co_await (*peer)->send("x");
        }
      };
      Task<> clients = spawn(connect());
      auto accept = [&]() -> Coro<> {
        while (accepted < 4) {
          auto one = co_await listener->accept();
          accepted += one.has_value() ? 1 : 0;
        }
      };
      const bool ended = co_await cut.run(accept);
      co_await clients;
      // The rest is still there, for somebody else.
      while (accepted < 4) {
        auto one = co_await listener->accept();
        const auto chunk = co_await one->stream->recv();
        if (!chunk) {
          throw std::runtime_error("an accepted connection is dead");
        }
        ++accepted;
      }
      auto once_more = [&]() -> Coro<> { (void)co_await listener->accept(); };
      const bool more = co_await move_on_after(1s, once_more);
      CHECK_FALSE(more);
      (void)ended;
    });
    CHECK(accept_rounds > 4);
    const std::size_t connect_rounds = cancel_everywhere([](Cut& cut) -> Coro<> {
      auto listener = open_listener(kPort);
      bool connected = false;
      auto connect = [&]() -> Coro<> {
        auto peer = co_await open_connection(kPort);
        connected = peer.has_value();
        (void)co_await (*peer)->send("x");
      };
      (void)co_await cut.run(connect);
      std::size_t seen = 0;
      auto count = [&]() -> Coro<> {
        for (;;) {
          (void)co_await listener->accept();
          ++seen;
        }
      };
      (void)co_await move_on_after(1s, count);
      CHECK(seen == (connected ? 1 : 0));
    });
    CHECK(connect_rounds >= 2);
  }
}
