// Handshakes, echoes and ends of TLS connections, cancelled at every step, over streams that are small, slow and
// awkward.
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <simul/tls_stream.hpp>

#include "harness.hpp"
#include "tls_pairs.hpp"

using namespace simul;
using namespace simul::test;

namespace {

using MakeBelow = std::function<StreamPair()>;

/// Cuts `scenario` everywhere over each kind of stream.
void over_everything(const std::function<void(const MakeBelow&)>& scenario) {
  SUBCASE("a small stream") {
    scenario([] { return memory_pair({.capacity = 100}); });
  }
  SUBCASE("lockstep") {
    scenario([] { return memory_pair({.lockstep = true}); });
  }
  SUBCASE("a stream that crosses wants") {
    scenario([] { return crossing(memory_pair({.capacity = 1000})); });
  }
  SUBCASE("chaos") {
    run_seeds(3, [&](std::uint64_t seed) {
      const Chaos chaos = {.seed = seed};
      scenario([&] { return memory_pair({.capacity = 500, .chaos = chaos}); });
    });
  }
  SUBCASE("chaos below a stream that crosses wants") {
    run_seeds(3, [&](std::uint64_t seed) {
      const Chaos chaos = {.seed = seed};
      scenario([&] { return crossing(memory_pair({.capacity = 1000, .chaos = chaos})); });
    });
  }
}

/// Everything up to the end, whatever that is.
Coro<std::string> drain(Stream& stream) {
  std::string all;
  while (auto chunk = co_await stream.recv()) {
    all += chunk->text();
  }
  co_return all;
}

Coro<> no_task_is_left(std::size_t tasks) {
  co_await sleep(10s);  // what is seen off takes five seconds at the most
  CHECK(Loop::current().task_count() == tasks);
}

void cut_handshakes(const MakeBelow& make, bool cut_server,
                    const ServerContext& context = plain_server()) {
  const std::size_t rounds = cancel_everywhere([&](Cut& cut) -> Coro<> {
    const std::size_t tasks = Loop::current().task_count();
    StreamPair below = make();
    std::unique_ptr<Stream> other = std::move(cut_server ? below.far : below.near);
    Task<TlsEnd> peer = cut_server
                            ? spawn(connect_tls(std::move(other), plain_client(), "example.org"))
                            : spawn(accept_tls(std::move(other), context));
    TlsEnd own;
    const bool ended = co_await cut.run([&]() -> Coro<> {
      own = cut_server ? co_await accept_tls(std::move(below.near), context)
                       : co_await connect_tls(std::move(below.far), plain_client(), "example.org");
    });
    below = {};  // of a victim that never began
    TlsEnd end = co_await std::move(peer);
    CHECK(ended == (own.has_value() && *own != nullptr));
    if (ended) {
      REQUIRE(end.has_value());
      (*own)->shutdown();
      CHECK(co_await drain(**end) == "");
    } else if (end) {  // it was done first, and hears it when it reads
      CHECK_FALSE((co_await (*end)->recv()).has_value());
    }
    own = {};
    end = {};
    co_await no_task_is_left(tasks);
  });
  CHECK(rounds > 1);
}

/// Three sends of 100 bytes, and one of `last`.
void cut_sends(const MakeBelow& make, std::size_t last) {
  const std::size_t rounds = cancel_everywhere([&](Cut& cut) -> Coro<> {
    const std::size_t tasks = Loop::current().task_count();
    TlsEnds ends = co_await shake_hands(make(), plain_server(), plain_client());
    TlsStream& server = **ends.server;
    TlsStream& client = **ends.client;
    const std::string all = pattern(300 + last);
    Task<std::string> reader = spawn(drain(client));
    std::size_t complete = 0;
    const bool ended = co_await cut.run([&]() -> Coro<> {
      for (; complete < 300; complete += 100) {
        const auto sent = co_await server.send(std::string_view(all).substr(complete, 100));
        REQUIRE(sent.has_value());
      }
      const auto sent = co_await server.send(std::string_view(all).substr(300));
      REQUIRE(sent.has_value());
      complete = all.size();
    });
    const std::size_t accepted = server.bytes_accepted();
    CHECK(accepted >= complete);
    CHECK(ended == (accepted == all.size()));
    if (accepted % 100 == 0 && accepted <= 300) {  // no send was cut off in its middle
      CHECK((co_await server.send("!")).has_value());
      server.shutdown();
      CHECK(co_await reader == all.substr(0, accepted) + "!");
    } else {
      server.close();
      CHECK(co_await reader == all.substr(0, accepted));
    }
    ends = {};
    co_await no_task_is_left(tasks);
  });
  CHECK(rounds > 1);
}

}  // namespace

TEST_SUITE("tls cancelled at every step") {
  TEST_CASE("a server's handshake: the stream below is closed, and the client hears of it") {
    over_everything([](const MakeBelow& make) { cut_handshakes(make, true); });
  }
  TEST_CASE("a server's handshake that goes on in another thread, too") {
    const ServerContext rsa =
        server_with({.certificates = {certificates().make("cut-rsa", {.key = "RSA"})}});
    over_everything([&](const MakeBelow& make) { cut_handshakes(make, true, rsa); });
  }
  TEST_CASE("a client's handshake: the stream below is closed, and the server hears of it") {
    over_everything([](const MakeBelow& make) { cut_handshakes(make, false); });
  }

  TEST_CASE("sends: what was accepted arrives, and nothing else") {
    over_everything([](const MakeBelow& make) { cut_sends(make, 1000); });
  }
  TEST_CASE("a send of several records: as much as was accepted arrives") {
    cut_sends([] { return memory_pair({.capacity = 1000}); }, 40'000);
    cut_sends([] { return crossing(memory_pair()); }, 20'000);
  }

  TEST_CASE("receives: no byte is lost") {
    over_everything([](const MakeBelow& make) {
      const std::size_t rounds = cancel_everywhere([&](Cut& cut) -> Coro<> {
        const std::size_t tasks = Loop::current().task_count();
        TlsEnds ends = co_await shake_hands(make(), plain_server(), plain_client());
        TlsStream& server = **ends.server;
        TlsStream& client = **ends.client;
        const std::string all = pattern(2000);
        Task<> sender = spawn([&]() -> Coro<> {
          for (std::size_t i = 0; i < all.size(); i += 500) {
            CHECK((co_await client.send(std::string_view(all).substr(i, 500))).has_value());
          }
          client.shutdown();
        });
        std::string got;
        (void)co_await cut.run([&]() -> Coro<> {
          while (auto chunk = co_await server.recv()) {
            got += chunk->text();
          }
        });
        got += co_await drain(server);
        CHECK(got == all);
        Task<std::string> reader = spawn(drain(client));
        CHECK((co_await server.send("thanks")).has_value());
        server.shutdown();
        CHECK(co_await reader == "thanks");
        co_await sender;
        ends = {};
        co_await no_task_is_left(tasks);
      });
      CHECK(rounds > 1);
    });
  }

  TEST_CASE("an echo and its end: the peer gets a beginning of the answer, and an end") {
    over_everything([](const MakeBelow& make) {
      const std::size_t rounds = cancel_everywhere([&](Cut& cut) -> Coro<> {
        const std::size_t tasks = Loop::current().task_count();
        TlsEnds ends = co_await shake_hands(make(), plain_server(), plain_client());
        TlsStream& client = **ends.client;
        const std::string all = pattern(1000);
        Task<> sender = spawn([&]() -> Coro<> {
          (void)co_await client.send(all);  // fails when the other side is gone
          client.shutdown();
        });
        Task<std::string> reader = spawn(drain(client));
        const bool ended = co_await cut.run([&]() -> Coro<> {
          TlsStream& server = **ends.server;
          while (auto chunk = co_await server.recv()) {
            const auto sent = co_await server.send(*chunk);
            REQUIRE(sent.has_value());
          }
          const std::error_code error = co_await server.linger(1h);
          CHECK_FALSE(error);
        });
        ends.server->reset();
        const std::string echoed = co_await reader;
        CHECK(all.starts_with(echoed));
        CHECK((!ended || echoed == all));
        co_await sender;
        ends = {};
        co_await no_task_is_left(tasks);
      });
      CHECK(rounds > 1);
    });
  }
}
