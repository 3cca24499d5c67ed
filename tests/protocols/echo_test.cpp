#include <simul/protocols/echo.hpp>

#include <string>

#include <doctest/doctest.h>

#include <simul/cancel_scope.hpp>
#include <simul/sleep.hpp>

#include "served.hpp"

namespace simul {

using testing::Served;

TEST_CASE("echo sends back what it receives, in order, and ends when the peer has finished") {
  Served served("echo");
  CHECK(served.talk("hello") == "hello");
  CHECK(served.talk("") == "");
}

TEST_CASE("echo gives everything back although the peer has finished sending long ago") {
  Served served("echo");
  std::string input;
  for (int i = 0; i < 20'000; ++i) {
    input += std::to_string(i);
  }
  std::string output;
  served.run([&](MemoryStream& client) -> Coro<> {
    const auto write = [&]() -> Coro<> {
      (void)co_await client.send(input);
      (void)client.shutdown();
    };
    Task<> writer = spawn(write);
    co_await Served::read_to_end(client, output);
    co_await writer;
  });
  CHECK(output == input);
}

TEST_CASE("echo answers each message with one send") {
  Served served("echo");
  served.run([&](MemoryStream& client) -> Coro<> {
    for (int i = 0; i < 100; ++i) {
      std::string output;
      (void)co_await client.send("0123456789");
      co_await Served::read_size(client, output, 10);
    }
  });
  CHECK(served.sends() == 100);
}

TEST_CASE("echo ends when the peer is gone") {
  Served served("echo");
  served.run([&](MemoryStream& client) -> Coro<> {
    (void)co_await client.send("hello");
    client.close(Stream::CloseMode::abort);
    co_return;
  });
}

TEST_CASE("echo waits with reading for a peer that doesn't take its bytes") {
  Served served("echo");
  std::size_t accepted = 0;
  served.run([&](MemoryStream& client) -> Coro<> {
    const std::string block(65536, 'x');
    const auto flood = [&]() -> Coro<> {
      while (auto sent = co_await client.send_some(as_bytes(block))) {
        accepted += *sent;
      }
    };
    CHECK_FALSE(co_await move_on_after(std::chrono::seconds(1), flood));
  });
  CHECK(accepted < std::size_t{8} << 20);
}

TEST_CASE("echo ends between two messages when the server drains") {
  Served served("echo");
  SUBCASE("while it waits") {
    served.run([&](MemoryStream& client) -> Coro<> {
      std::string output;
      (void)co_await client.send("hello");
      co_await Served::read_size(client, output, 5);
      co_await sleep(std::chrono::seconds(1));
      served.connection().drain();
      co_await Served::read_to_end(client, output);
      CHECK(output == "hello");
    });
  }
  SUBCASE("while it works") {
    served.run([&](MemoryStream& client) -> Coro<> {
      std::string output;
      (void)co_await client.send("one");
      co_await Served::read_size(client, output, 3);
      co_await sleep(std::chrono::seconds(1));
      (void)co_await client.send("two");
      served.connection().drain();
      co_await Served::read_to_end(client, output);
      CHECK(output == "onetwo");
    });
  }
}

TEST_CASE("discard reads everything and answers nothing") {
  Served served("discard");
  CHECK(served.talk(std::string(1'000'000, 'x')) == "");
  CHECK(served.connection().bytes_received() == 1'000'000);
}

TEST_CASE("every built-in protocol has a table of options that holds together") {
  for (const ProtocolType& type : builtin_protocols()) {
    CAPTURE(type.spec.name);
    CHECK_NOTHROW(check_table(type.spec.options));
    CHECK(type.make(OptionValues::defaults(type.spec.options)) != nullptr);
  }
}

}  // namespace simul
