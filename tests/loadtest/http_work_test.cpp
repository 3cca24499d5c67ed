#include "http_work.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace simul;
using namespace simul::load;

struct Statuses final : Replies {
  void on_reply(unsigned status) override { seen.push_back(status); }
  std::vector<unsigned> seen;
};

/// A dialogue that has asked `asked` requests.
struct Client {
  explicit Client(std::size_t asked) {
    dialogue->ask(asked);
    while (!dialogue->output().empty()) {
      requests += as_text(dialogue->output());
      dialogue->sent(dialogue->output().size());
    }
  }
  auto receive(std::string_view text) { return dialogue->receive(as_bytes(text), statuses); }

  HttpWork work{*Target::parse("http://127.0.0.1:8080/path"), 4};
  std::unique_ptr<Dialogue> dialogue = work.begin(0);
  std::string requests;
  Statuses statuses;
};

constexpr std::string_view kRequestLine = "GET /path HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

TEST_CASE("requests that are asked together are pipelined") {
  const Client client(3);
  std::size_t count = 0;
  for (std::size_t at = 0; (at = client.requests.find(kRequestLine, at)) != std::string::npos;
       ++at) {
    ++count;
  }
  CHECK(count == 3);
  CHECK(client.requests.ends_with("\r\n\r\n"));
}

TEST_CASE("a request that is sent byte by byte is still the same request") {
  Client whole(2);
  Client client(0);
  client.dialogue->ask(2);
  std::string requests;
  while (!client.dialogue->output().empty()) {
    requests += as_text(client.dialogue->output().first(1));
    client.dialogue->sent(1);
  }
  CHECK(requests == whole.requests);
}

TEST_CASE("responses with a length, in chunks and without a body are replies") {
  Client client(3);
  CHECK(client.receive(kOk) == Next::go_on);
  CHECK(client.receive("HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "3\r\nabc\r\n0\r\n\r\n") == Next::go_on);
  CHECK(client.receive("HTTP/1.1 204 No Content\r\n\r\n") == Next::go_on);
  CHECK(client.statuses.seen == std::vector<unsigned>{200, 404, 204});
}

TEST_CASE("it doesn't matter how responses are cut") {
  Client client(2);
  const std::string both = std::string(kOk) + std::string(kOk);
  for (const char c : both) {
    REQUIRE(client.receive(std::string_view(&c, 1)) == Next::go_on);
  }
  CHECK(client.statuses.seen == std::vector<unsigned>{200, 200});
}

TEST_CASE("a provisional response is no reply") {
  Client client(1);
  CHECK(client.receive("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n") == Next::go_on);
  CHECK(client.statuses.seen.empty());
  CHECK(client.receive(kOk) == Next::go_on);
  CHECK(client.statuses.seen == std::vector<unsigned>{200});
}

TEST_CASE("after Connection: close the next request goes to another connection") {
  Client client(2);
  CHECK(client.receive("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n") ==
        Next::reopen);
  CHECK(client.statuses.seen == std::vector<unsigned>{200});
}

TEST_CASE("a body without a length ends with the connection") {
  Client client(1);
  CHECK(client.receive("HTTP/1.1 200 OK\r\n\r\nsome text") == Next::go_on);
  CHECK(client.statuses.seen.empty());
  CHECK(client.dialogue->end_of_stream(client.statuses) == Next::reopen);
  CHECK(client.statuses.seen == std::vector<unsigned>{200});
}

TEST_CASE("an end in the middle of a response is an error") {
  Client client(1);
  CHECK(client.receive(kOk.substr(0, kOk.size() - 1)) == Next::go_on);
  const auto next = client.dialogue->end_of_stream(client.statuses);
  REQUIRE_FALSE(next);
  CHECK(next.error().kind == ErrorKind::end_of_stream);
}

TEST_CASE("an end instead of a response is an error") {
  Client client(2);
  CHECK(client.receive(kOk) == Next::go_on);
  const auto next = client.dialogue->end_of_stream(client.statuses);
  REQUIRE_FALSE(next);
  CHECK(next.error().text.find("still due: 1") != std::string::npos);
}

TEST_CASE("what isn't HTTP is a bad response") {
  for (const char* text :
       {"hello\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"}) {
    Client client(1);
    const auto next = client.receive(text);
    REQUIRE_FALSE(next);
    CHECK(next.error().kind == ErrorKind::bad_response);
  }
}

TEST_CASE("a response that nobody asked for is a bad response") {
  Client client(1);
  const auto next = client.receive(std::string(kOk) + std::string(kOk));
  REQUIRE_FALSE(next);
  CHECK(next.error().kind == ErrorKind::bad_response);
  CHECK(next.error().text.find("nobody had asked") != std::string::npos);
}

}  // namespace
