#include <simul/protocols/http.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <simul/cancel_scope.hpp>
#include <simul/sleep.hpp>

#include "../served.hpp"
#include "replies.hpp"
#include "temporary_folder.hpp"

namespace simul::http {
namespace {

using testing::parse_replies;
using testing::Reply;
using testing::Served;
using testing::TemporaryFolder;
using namespace std::chrono_literals;

const std::string kBigText(300'000, 'x');

Served serve_texts(const Served::Configure& more = {}) {
  return Served("http", [&](OptionValues& options) {
    options.set("routes", OptionMap{{"/", "root\n"},
                                    {"/hello", "Hello, world!\n"},
                                    {"/caf\xC3\xA9", "coffee\n"},
                                    {"/empty", ""},
                                    {"/big", kBigText}});
    options.set("keep_alive_timeout", 0s);
    if (more) {
      more(options);
    }
  });
}

std::string get(std::string_view path, std::string_view fields = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

/// The one reply to `input`.
Reply reply_to(std::string_view input) {
  Served served = serve_texts();
  const std::vector<Reply> replies = parse_replies(served.talk(input));
  REQUIRE(replies.size() == 1);
  return replies[0];
}

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos;
       at = text.find(what, at + 1)) {
    ++found;
  }
  return found;
}

}  // namespace

TEST_CASE("a text is answered with all that a client needs, in one send") {
  Served served = serve_texts();
  const std::vector<Reply> replies = parse_replies(served.talk(get("/hello?x=y")));
  REQUIRE(replies.size() == 1);
  const Reply& reply = replies[0];
  CHECK(reply.status == 200);
  CHECK(reply.body == "Hello, world!\n");
  CHECK(reply.says("Content-Type: text/plain; charset=utf-8"));
  CHECK(reply.says("Content-Length: 14"));
  CHECK(reply.says("Server: simul"));
  CHECK(reply.field("Date").ends_with(" GMT"));
  CHECK(reply.field("Date").size() == 29);
  CHECK(reply.field("Connection").empty());
  CHECK(served.sends() == 1);
}

TEST_CASE("a path is found however it was encoded") {
  CHECK(reply_to(get("/caf%C3%A9")).body == "coffee\n");
  CHECK(reply_to(get("/%68ello")).body == "Hello, world!\n");
  CHECK(reply_to(get("http://b/hello")).body == "Hello, world!\n");
  CHECK(reply_to(get("/hello/")).status == 404);
  CHECK(reply_to(get("/Hello")).status == 404);
  CHECK(reply_to(get("/empty")).body.empty());
  CHECK(reply_to(get("/%zz")).status == 400);
  CHECK(reply_to(get("/%4")).status == 400);
  CHECK(reply_to(get("/%00")).status == 400);
}

TEST_CASE("HEAD is answered with GET's head and no body") {
  Served served = serve_texts();
  const std::string output = served.talk("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::vector<Reply> replies = parse_replies(output, true);
  REQUIRE(replies.size() == 1);
  CHECK(replies[0].status == 200);
  CHECK(replies[0].says("Content-Length: 14"));
  CHECK(output.ends_with("\r\n\r\n"));
  CHECK(served.talk("HEAD /none HTTP/1.1\r\nHost: a\r\n\r\n").ends_with("\r\n\r\n"));
}

TEST_CASE("other methods are told which are allowed") {
  for (const std::string method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    const Reply reply = reply_to(method + " /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(reply.status == (method == "OPTIONS" ? 204 : 405));
    CHECK(reply.says("Allow: GET, HEAD, OPTIONS"));
  }
  CHECK(reply_to("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").status == 204);
  CHECK(reply_to("POST /none HTTP/1.1\r\nHost: a\r\n\r\n").status == 404);
}

TEST_CASE("pipelined requests are answered in order, with one send") {
  Served served = serve_texts();
  std::string input;
  for (int i = 0; i < 100; ++i) {
    input += get(i % 2 == 0 ? "/" : "/hello");
  }
  const std::vector<Reply> replies = parse_replies(served.talk(input));
  REQUIRE(replies.size() == 100);
  for (std::size_t i = 0; i < 100; ++i) {
    CHECK(replies[i].body == (i % 2 == 0 ? "root\n" : "Hello, world!\n"));
  }
  CHECK(served.sends() == 1);
}

TEST_CASE("the rest of a request is waited for after what is complete was answered") {
  Served served = serve_texts();
  served.run([&](MemoryStream& client) -> Coro<> {
    const std::string input = get("/hello") + get("/");
    const std::size_t cut = input.size() - 10;
    (void)co_await client.send(std::string_view(input).substr(0, cut));
    std::string output;
    co_await Served::read_size(client, output, 1);
    CHECK(parse_replies(output).size() == 1);
    co_await sleep(5s);
    (void)co_await client.send(std::string_view(input).substr(cut));
    (void)client.shutdown();
    co_await Served::read_to_end(client, output);
    CHECK(parse_replies(output).size() == 2);
  });
}

TEST_CASE("a request is answered however it is cut up on its way") {
  Served served = serve_texts();
  served.run([&](MemoryStream& client) -> Coro<> {
    const std::string input =
        get("/hello") +
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" +
        get("/");
    for (const char& byte : input) {
      (void)co_await client.send(std::string_view(&byte, 1));
      co_await sleep(1ms);
    }
    (void)client.shutdown();
    std::string output;
    co_await Served::read_to_end(client, output);
    const std::vector<Reply> replies = parse_replies(output);
    REQUIRE(replies.size() == 3);
    CHECK(replies[0].status == 200);
    CHECK(replies[1].status == 405);
    CHECK(replies[2].body == "root\n");
  });
}

TEST_CASE("a connection stays or ends as client and version want it") {
  Served served = serve_texts();
  // Without a half-close: that the output ends is the server's doing.
  SUBCASE("1.1 with close") {
    const std::vector<Reply> replies =
        parse_replies(served.talk(get("/", "Connection: close\r\n"), false));
    REQUIRE(replies.size() == 1);
    CHECK(replies[0].says("Connection: close"));
  }
  SUBCASE("1.0") {
    const std::vector<Reply> replies = parse_replies(served.talk("GET / HTTP/1.0\r\n\r\n", false));
    REQUIRE(replies.size() == 1);
    CHECK(replies[0].says("Connection: close"));
    CHECK(served.now().time_since_epoch() == 1h);
  }
  SUBCASE("1.0 with keep-alive, then without") {
    const std::vector<Reply> replies = parse_replies(served.talk(
        "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /hello HTTP/1.0\r\n\r\n", false));
    REQUIRE(replies.size() == 2);
    CHECK(replies[0].says("Connection: keep-alive"));
    CHECK(replies[1].says("Connection: close"));
  }
  SUBCASE("what comes after a last request is not answered") {
    const std::vector<Reply> replies =
        parse_replies(served.talk(get("/", "Connection: close\r\n") + get("/hello")));
    CHECK(replies.size() == 1);
  }
}

TEST_CASE("a body is read past, so that the next request is found") {
  Served served = serve_texts();
  const std::string body = get("/big");
  const std::vector<Reply> replies = parse_replies(served.talk(
      get("/hello", "Content-Length: " + std::to_string(body.size()) + "\r\n") + body + get("/")));
  REQUIRE(replies.size() == 2);
  CHECK(replies[0].body == "Hello, world!\n");
  CHECK(replies[1].body == "root\n");
}

TEST_CASE("a large body is read past, and a larger one is refused") {
  const std::string large(1 << 20, 'b');
  Served served = serve_texts();
  std::vector<Reply> replies = parse_replies(served.talk(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n" + large + get("/")));
  REQUIRE(replies.size() == 2);
  CHECK(replies[0].status == 405);
  CHECK(replies[1].status == 200);

  replies = parse_replies(
      served.talk("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n" + large));
  REQUIRE(replies.size() == 1);
  CHECK(replies[0].status == 413);
  CHECK(replies[0].says("Connection: close"));

  replies = parse_replies(
      served.talk("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n" +
                  large + "\r\n1\r\nx\r\n0\r\n\r\n"));
  REQUIRE(replies.size() == 1);
  CHECK(replies[0].status == 405);  // sent before the rest of the body had come
}

TEST_CASE("who asks before sending a body that nobody wants gets the answer instead, and the end") {
  Served served = serve_texts();
  const std::vector<Reply> replies = parse_replies(served.talk(
      "GET /hello HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n",
      false));
  REQUIRE(replies.size() == 1);
  CHECK(replies[0].body == "Hello, world!\n");
  CHECK(replies[0].says("Connection: close"));
  const std::vector<Reply> refused = parse_replies(served.talk(
      "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n"));
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].status == 413);
}

TEST_CASE("what isn't a request is answered with an error, and the connection ends") {
  const std::pair<std::string, int> cases[] = {
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"\x16\x03\x01\x02", 400},
      {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505},
      {get("/" + std::string(9000, 'a')), 414},
      {get("/", "A: " + std::string(20'000, 'a') + "\r\n"), 431},
      {get("/", "Expect: cake\r\n"), 417},
  };
  for (const auto& [input, status] : cases) {
    CAPTURE(status);
    Served served = serve_texts();
    // The answers to what came before are not lost.
    const std::vector<Reply> replies = parse_replies(served.talk(get("/hello") + input + get("/")));
    REQUIRE(replies.size() == 2);
    CHECK(replies[0].status == 200);
    CHECK(replies[1].status == status);
    CHECK(replies[1].says("Connection: close"));
  }
}

TEST_CASE("after an error the client is listened to for a while, so that it isn't reset") {
  Served served = serve_texts();
  SUBCASE("it finishes in its own time") {
    served.run([&](MemoryStream& client) -> Coro<> {
      (void)co_await client.send("nonsense\r\n");
      std::string output;
      co_await Served::read_to_end(client, output);  // half-closed: it ends without a close
      CHECK(parse_replies(output).at(0).status == 400);
      const auto sent = co_await client.send(std::string_view(kBigText));
      CHECK(sent.has_value());
    });
  }
  SUBCASE("but not for ever") {
    const TimePoint start = served.now();
    CHECK(parse_replies(served.talk("nonsense\r\n", false)).size() == 1);
    served.run([&](MemoryStream& client) -> Coro<> {
      (void)co_await client.send("nonsense\r\n");
      CHECK(co_await client.closed() != std::error_code());
    });
    CHECK(served.now() - start == 2s);
  }
  SUBCASE("nor for any number of bytes") {
    served.run([&](MemoryStream& client) -> Coro<> {
      (void)co_await client.send("nonsense\r\n");
      std::size_t accepted = 0;
      while (auto sent = co_await client.send_some(as_bytes(kBigText))) {
        accepted += *sent;
      }
      CHECK(accepted < 2'000'000);
    });
  }
}

TEST_CASE("a header has to come in time, counted from its first byte") {
  Served served = serve_texts([](OptionValues& options) { options.set("header_timeout", 3s); });
  const TimePoint start = served.now();
  served.run([&](MemoryStream& client) -> Coro<> {
    co_await sleep(1h);  // an idle connection is not the header's business
    std::string output;
    const auto drip = [&]() -> Coro<> {
      for (;;) {
        if (!co_await client.send("G")) {
          co_return;
        }
        co_await sleep(1s);
      }
    };
    Task<> dripping = spawn(drip);
    co_await Served::read_to_end(client, output);
    CHECK(served.now() - start == 1h + 3s);
    const std::vector<Reply> replies = parse_replies(output);
    REQUIRE(replies.size() == 1);
    CHECK(replies[0].status == 408);
    CHECK(replies[0].says("Connection: close"));
    dripping.cancel();
  });
}

TEST_CASE("empty lines don't keep a connection") {
  Served served = serve_texts([](OptionValues& options) {
    options.set("header_timeout", 3s);
    options.set("keep_alive_timeout", 60s);
  });
  const TimePoint start = served.now();
  served.run([&](MemoryStream& client) -> Coro<> {
    const auto drip = [&]() -> Coro<> {
      while (co_await client.send("\r\n")) {
        co_await sleep(1s);
      }
    };
    Task<> dripping = spawn(drip);
    std::string output;
    co_await Served::read_to_end(client, output);
    CHECK(served.now() - start <= 5s);
    dripping.cancel();
  });
}

TEST_CASE("the time for a header begins anew with each request") {
  Served served = serve_texts([](OptionValues& options) { options.set("header_timeout", 3s); });
  served.run([&](MemoryStream& client) -> Coro<> {
    for (int i = 0; i < 5; ++i) {
      const std::string input = get("/hello");
      (void)co_await client.send(std::string_view(input).substr(0, 10));
      co_await sleep(2s);
      (void)co_await client.send(std::string_view(input).substr(10));
      std::string output;
      co_await Served::read_size(client, output, 1);
      CHECK(parse_replies(output).at(0).status == 200);
    }
  });
}

TEST_CASE("a connection without a request is closed after a while") {
  Served served = serve_texts([](OptionValues& options) { options.set("keep_alive_timeout", 7s); });
  const TimePoint start = served.now();
  served.run([&](MemoryStream& client) -> Coro<> {
    std::string output;
    (void)co_await client.send(get("/hello"));
    co_await Served::read_to_end(client, output);
    CHECK(parse_replies(output).size() == 1);
    CHECK(served.now() - start == 7s);
  });
}

TEST_CASE("a text larger than all buffers is answered whole") {
  Served served = serve_texts();
  const std::vector<Reply> replies =
      parse_replies(served.talk(get("/hello") + get("/big") + get("/")));
  REQUIRE(replies.size() == 3);
  CHECK(replies[1].body == kBigText);
  CHECK(replies[2].body == "root\n");
}

TEST_CASE("a client that doesn't read its answers is not listened to") {
  Served served = serve_texts();
  served.run([&](MemoryStream& client) -> Coro<> {
    std::size_t accepted = 0;
    const auto flood = [&]() -> Coro<> {
      const std::string request = get("/big");
      for (;;) {
        if (!co_await client.send(request)) {
          co_return;
        }
        accepted += request.size();
      }
    };
    Task<> flooding = spawn(flood);
    co_await sleep(1h);
    CHECK(accepted < 200'000);  // the stream's buffer and one chunk
    flooding.cancel();
    client.close(Stream::CloseMode::abort);
  });
}

TEST_CASE("a draining server says so with its last answer, and then ends") {
  Served served = serve_texts();
  SUBCASE("at once, where nothing is at hand") {
    served.run([&](MemoryStream& client) -> Coro<> {
      std::string output;
      (void)co_await client.send(get("/"));
      co_await Served::read_size(client, output, 1);
      co_await sleep(1s);
      served.connection().drain();
      co_await Served::read_to_end(client, output);
      CHECK(parse_replies(output).size() == 1);
    });
  }
  SUBCASE("after the request that has begun") {
    served.run([&](MemoryStream& client) -> Coro<> {
      std::string output;
      const std::string input = get("/") + get("/hello");
      (void)co_await client.send(std::string_view(input).substr(0, input.size() - 1));
      co_await sleep(1s);
      served.connection().drain();
      (void)co_await client.send("\n");
      co_await Served::read_to_end(client, output);
      const std::vector<Reply> replies = parse_replies(output);
      REQUIRE(replies.size() == 2);
      CHECK_FALSE(replies[0].says("Connection: close"));
      CHECK(replies[1].says("Connection: close"));
    });
  }
  SUBCASE("after all that has arrived") {
    served.run([&](MemoryStream& client) -> Coro<> {
      std::string output;
      (void)co_await client.send(get("/") + get("/") + get("/hello"));
      served.connection().drain();
      co_await Served::read_to_end(client, output);
      const std::vector<Reply> replies = parse_replies(output);
      REQUIRE(replies.size() == 3);
      CHECK(count(output, "Connection: close") == 1);
      CHECK(replies[2].says("Connection: close"));
    });
  }
}

TEST_CASE("a client that is gone ends the conversation wherever it stands") {
  Served served = serve_texts();
  for (const std::string& input :
       {get("/big"), get("/big") + get("/big"), get("/").substr(0, 9), std::string(),
        std::string("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe"),
        std::string("nonsense\r\n")}) {
    for (const bool abort : {true, false}) {
      served.run([&](MemoryStream& client) -> Coro<> {
        (void)co_await client.send(input);
        co_await sleep(10ms);
        client.close(abort ? Stream::CloseMode::abort : Stream::CloseMode::graceful);
      });
    }
  }
  CHECK(served.loop().task_count() == 0);
}

TEST_CASE("options that can't work are refused with a reason") {
  const auto refuses = [](std::string_view name, OptionValue value) {
    try {
      Served served("http", [&](OptionValues& options) { options.set(name, std::move(value)); });
    } catch (const std::exception& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refuses("root", "/there/is/no/such/folder").contains("/there/is/no/such/folder"));
  CHECK(refuses("root", "/etc/passwd").contains("Not a directory"));
  CHECK(refuses("index", "../x").contains("../x"));
  CHECK(refuses("index", "").contains("visible"));
  CHECK(refuses("routes", OptionMap{{"hello", "x"}}).contains("slash"));
  CHECK(refuses("routes", OptionMap{{"/a?b", "x"}}).contains("/a?b"));
  CHECK(refuses("routes", OptionMap{{"/a", "x"}}).empty());
}

TEST_CASE("what was no request is logged with the time at which it came, alone and behind others") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "access.log";
  {
    Served served = serve_texts([&](OptionValues& options) {
      options.set("access_log", path.string());
      options.set("access_log_format", std::string("json"));
    });
    served.talk("\x16\x03\x01");
    served.talk(get("/hello") + "GET / HTTP/2.0\r\n\r\n");
  }
  const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  const std::string year =
      std::to_string(static_cast<int>(std::chrono::year_month_day(today).year()));
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    CHECK(line.starts_with("{\"time\":\"" + year + "-"));
    lines.push_back(line);
  }
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].contains("\"status\":400"));
  CHECK(lines[2].contains("\"status\":505"));
}

TEST_CASE("an answer that was cut off is logged too, with what had been sent") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "access.log";
  constexpr std::size_t kSize = std::size_t{8} << 20;
  {
    Served served("http", [&](OptionValues& options) {
      options.set("routes", OptionMap{{"/large", std::string(kSize, 'x')}});
      options.set("access_log", path.string());
      options.set("access_log_format", std::string("json"));
    });
    served.run([](MemoryStream& client) -> Coro<> {
      co_await client.send(std::string_view("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"));
      std::size_t taken = 0;
      while (taken < kSize / 2) {
        taken += (co_await client.recv())->size();
      }
      co_await sleep(std::chrono::hours(1));  // and nothing more
    });
  }
  std::ifstream file(path);
  std::string line;
  REQUIRE(std::getline(file, line));
  CHECK(line.contains("\"target\":\"/large\""));
  CHECK(line.contains("\"status\":200"));
  const std::size_t at = line.find("\"bytes\":");
  REQUIRE(at != std::string::npos);
  const std::size_t bytes = std::stoull(line.substr(at + 8));
  CHECK(bytes > kSize / 4);
  CHECK(bytes < kSize);
  CHECK_FALSE(std::getline(file, line));
}

TEST_CASE("a request whose body turns out wrong after its answer is logged as it was") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "access.log";
  std::string text;
  while (text.size() < (std::size_t{64} << 10)) {
    text += "a text that is compressed while it is sent\n";
  }
  folder.write("large.txt", text);
  {
    Served served("http", [&](OptionValues& options) {
      options.set("root", folder.path().string());
      options.set("gzip", true);
      options.set("access_log", path.string());
      options.set("access_log_format", std::string("json"));
    });
    served.run([](MemoryStream& client) -> Coro<> {
      co_await client.send(
          std::string_view("GET /large.txt HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n"
                           "Transfer-Encoding: chunked\r\n\r\nnonsense\r\n"));
      std::string answer;
      co_await Served::read_to_end(client, answer);  // what follows is dropped
      const std::string rest(4000, 'z');
      co_await client.send(std::string_view(rest));
    });
  }
  std::ifstream file(path);
  std::string line;
  REQUIRE(std::getline(file, line));
  CHECK(line.contains("\"method\":\"GET\",\"target\":\"/large.txt\",\"host\":\"a\""));
  CHECK(line.contains("\"status\":200"));
}

}  // namespace simul::http
