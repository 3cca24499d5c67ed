#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <simul/http/http.hpp>
#include <simul/log.hpp>
#include <simul/sleep.hpp>
#include <simul/task.hpp>

#include "../served.hpp"
#include "replies.hpp"

namespace simul::http {
namespace {

using testing::parse_replies;
using testing::Reply;
using testing::Served;
using namespace std::chrono_literals;

/// The log's lines while it lives.
class Logged {
 public:
  Logged() {
    set_log_sink([this](LogLevel, std::string_view line) { lines_.append(line).append("\n"); });
  }
  Logged(const Logged&) = delete;
  Logged& operator=(const Logged&) = delete;
  ~Logged() { set_log_sink({}); }
  [[nodiscard]] const std::string& lines() const { return lines_; }

 private:
  std::string lines_;
};

Served serve(Router router, const ServerOptions& options = {}) {
  return Served(make_protocol(std::move(router), options));
}

std::string get(std::string_view path, std::string_view fields = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

std::string post(std::string_view path, std::string_view body, std::string_view fields = {}) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

/// "/hello" is there for what comes next on the connection.
Router with_hello() {
  Router router;
  router.get("/hello", [](Request&) -> Coro<Response> { co_return Response::text("hello\n"); });
  return router;
}

Coro<std::string> find_user() {
  co_await sleep(1ms);
  throw std::runtime_error("no such user");
}

Coro<Response> show_user(Request&) { co_return Response::text(co_await find_user()); }

Router with_echo() {
  Router router = with_hello();
  router.post("/echo", [](Request& request) -> Coro<Response> {
    co_return Response::text(co_await request.body());
  });
  router.post("/length", [](Request& request) -> Coro<Response> {
    std::size_t size = 0;
    for (std::string_view piece = co_await request.read(); !piece.empty();
         piece = co_await request.read()) {
      size += piece.size();
    }
    co_return Response::text(std::to_string(size) + " of " + std::string(request.path()));
  });
  router.post("/ignore", [](Request&) -> Coro<Response> { co_return Response(204); });
  router.post("/small", [](Request& request) -> Coro<Response> {
    co_return Response::text(co_await request.body(4));
  });
  return router;
}

}  // namespace

TEST_CASE("a handler gets the body, and the next request is found behind it") {
  Served served = serve(with_echo());
  const std::vector<Reply> replies =
      parse_replies(served.talk(post("/echo", "some body") + get("/hello") + post("/echo", "")));
  REQUIRE(replies.size() == 3);
  CHECK(replies[0].body == "some body");
  CHECK(replies[1].body == "hello\n");
  CHECK(replies[2].body.empty());
  CHECK(served.sends() == 1);
}

TEST_CASE("what a handler looks at stays, however long and in whatever pieces the body comes") {
  const std::string large(300'000, 'x');
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
    Served served = serve(with_echo(), {.max_body_size = 1 << 20});
    served.run([&](MemoryStream& client) -> Coro<> {
      const std::string input = post("/length", piece == 1 ? "abc" : large) + get("/hello");
      const auto feed = [&]() -> Coro<> {
        for (std::size_t at = 0; at < input.size(); at += piece) {
          (void)co_await client.send(std::string_view(input).substr(at, piece));
          if (piece == 1) {
            co_await sleep(1ms);
          }
        }
        (void)client.shutdown();
      };
      Task<> feeding = spawn(feed);
      std::string output;
      co_await Served::read_to_end(client, output);
      const std::vector<Reply> replies = parse_replies(output);
      REQUIRE(replies.size() == 2);
      CHECK(replies[0].body == (piece == 1 ? "3 of /length" : "300000 of /length"));
      CHECK(replies[1].body == "hello\n");
      co_await feeding;
    });
  }
}

TEST_CASE("a body that the handler leaves is skipped, unless it is long") {
  Served served = serve(with_echo(), {.max_body_size = 1 << 24});
  const std::vector<Reply> replies =
      parse_replies(served.talk(post("/ignore", std::string(100'000, 'x')) + get("/hello")));
  REQUIRE(replies.size() == 2);
  CHECK(replies[1].body == "hello\n");
  const std::vector<Reply> last =
      parse_replies(served.talk(post("/ignore", std::string(1 << 23, 'x')) + get("/hello")));
  REQUIRE(last.size() == 1);
  CHECK(last[0].says("Connection: close"));
}

TEST_CASE("a body that is too long for the handler gives 413") {
  Served served = serve(with_echo());
  std::vector<Reply> replies = parse_replies(served.talk(post("/small", "12345") + get("/hello")));
  REQUIRE(replies.size() == 2);
  CHECK(replies[0].status == 413);
  CHECK(replies[1].status == 200);
  replies =
      parse_replies(served.talk("POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                                "chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n" +
                                get("/hello")));
  REQUIRE(replies.size() == 2);
  CHECK(replies[0].status == 413);
}

TEST_CASE("a malformed body gives 400, and nothing after it is answered") {
  Served served = serve(with_echo());
  for (const std::string path : {"/echo", "/ignore"}) {
    const std::vector<Reply> replies = parse_replies(served.talk(
        "POST " + path +
        " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345x\r\n0\r\n\r\n" +
        get("/hello")));
    REQUIRE(replies.size() == 1);
    CHECK(replies[0].says("Connection: close"));
    CHECK((replies[0].status == 400 || path == "/ignore"));
  }
}

TEST_CASE("who waits for 100 is told to go on when the handler reads, and not before") {
  Served served = serve(with_echo());
  served.run([&](MemoryStream& client) -> Coro<> {
    (void)co_await client.send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    std::string output;
    co_await Served::read_size(client, output, 1);
    CHECK(output == "HTTP/1.1 100 Continue\r\n\r\n");
    (void)co_await client.send("body");
    output.clear();
    co_await Served::read_size(client, output, 1);
    CHECK(parse_replies(output).at(0).body == "body");
  });
  // One that sent it all the same needs no word.
  const std::vector<Reply> replies =
      parse_replies(served.talk(post("/echo", "body", "Expect: 100-continue\r\n") + get("/hello")));
  REQUIRE(replies.size() == 2);
  CHECK(replies[0].body == "body");
}

TEST_CASE("a body that comes too slowly gives 408, one with the minimum rate is waited for") {
  const ServerOptions options{.min_rate = 100, .rate_grace = 2s};
  Served served = serve(with_echo(), options);
  SUBCASE("a byte every second") {
    const TimePoint start = served.now();
    served.run([&](MemoryStream& client) -> Coro<> {
      (void)co_await client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
      const auto drip = [&]() -> Coro<> {
        while (co_await client.send("x")) {
          co_await sleep(900ms);
        }
      };
      Task<> dripping = spawn(drip);
      std::string output;
      co_await Served::read_to_end(client, output);
      const std::vector<Reply> replies = parse_replies(output);
      REQUIRE(replies.size() == 1);
      CHECK(replies[0].status == 408);
      CHECK(replies[0].says("Connection: close"));
      CHECK(served.now() - start == 2s);
      dripping.cancel();
    });
  }
  SUBCASE("a hundred every second, for a minute") {
    served.run([&](MemoryStream& client) -> Coro<> {
      (void)co_await client.send(
          "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 6000\r\n\r\n");
      const std::string second(100, 'x');
      for (int i = 0; i < 60; ++i) {
        (void)co_await client.send(second);
        co_await sleep(1s);
      }
      std::string output;
      co_await Served::read_size(client, output, 1);
      CHECK(parse_replies(output).at(0).body == "6000 of /length");
    });
  }
}

TEST_CASE("a client that takes its answer too slowly is cut off") {
  Router router;
  const std::string large(1 << 20, 'x');
  router.get("/large", [&](Request&) -> Coro<Response> { co_return Response::text(large); });
  Served served = serve(std::move(router), {.min_rate = 100'000, .rate_grace = 2s});
  const TimePoint start = served.now();
  served.run([&](MemoryStream& client) -> Coro<> {
    (void)co_await client.send(get("/large"));
    const auto reason = co_await client.closed();
    CHECK(reason != std::error_code());
    CHECK(served.now() - start < 20s);
  });
}

TEST_CASE("a handler that throws gives 500 and a line in the log, and the connection goes on") {
  Router router = with_hello();
  router.get("/bug", [](Request&) -> Coro<Response> {
    throw std::runtime_error("a secret\nof the house");
    co_return Response();
  });
  router.get("/teapot", [](Request&) -> Coro<Response> {
    throw HttpError(418, "short and stout");
    co_return Response();
  });
  const Logged logged;
  Served served = serve(std::move(router));
  const std::vector<Reply> replies =
      parse_replies(served.talk(get("/bug?x=1") + get("/teapot") + get("/hello")));
  REQUIRE(replies.size() == 3);
  CHECK(replies[0].status == 500);
  CHECK_FALSE(replies[0].body.contains("secret"));
  CHECK(replies[1].status == 418);
  CHECK(replies[1].body == "short and stout\n");
  CHECK(replies[2].body == "hello\n");
  CHECK(logged.lines().contains("the handler of 'GET /bug?x=1'"));
  CHECK(logged.lines().contains("a secret"));
  CHECK_FALSE(logged.lines().contains("teapot"));
}

TEST_CASE("the log says where a handler has thrown") {
  Router router;
  router.get("/users", show_user);
  const Logged logged;
  Served served = serve(std::move(router));
  (void)served.talk(get("/users"));
  CHECK(logged.lines().contains("failed: no such user; thrown at handlers_test.cpp:"));
  CHECK(logged.lines().contains("(find_user), called from handlers_test.cpp:"));
  CHECK(logged.lines().contains("(show_user)"));
}

TEST_CASE("a handler that throws before it has read the body leaves the connection in sync") {
  Router router = with_hello();
  router.post("/bug", [](Request&) -> Coro<Response> {
    throw std::runtime_error("a bug");
    co_return Response();
  });
  const Logged logged;
  Served served = serve(std::move(router));
  const std::vector<Reply> replies =
      parse_replies(served.talk(post("/bug", get("/hello")) + get("/hello")));
  REQUIRE(replies.size() == 2);
  CHECK(replies[0].status == 500);
  CHECK(replies[1].status == 200);
}

TEST_CASE("answers to pipelined requests leave in their order, though the first takes longest") {
  Router router = with_hello();
  router.get("/slow", [](Request&) -> Coro<Response> {
    co_await sleep(1h);
    co_return Response::text("slow\n");
  });
  Served served = serve(std::move(router));
  const std::vector<Reply> replies =
      parse_replies(served.talk(get("/slow") + get("/hello") + get("/hello")));
  REQUIRE(replies.size() == 3);
  CHECK(replies[0].body == "slow\n");
  CHECK(replies[2].body == "hello\n");
  CHECK(served.sends() == 1);
}

TEST_CASE("a stream is sent in chunks, each as it is written") {
  Router router = with_hello();
  router.get("/stream", [](Request&) -> Coro<Response> {
    co_return Response::stream("text/plain", [](BodyWriter& out) -> Coro<> {
      for (const std::string_view piece : {"one", "", "two"}) {
        CHECK(co_await out.write(piece));
        co_await sleep(1s);
      }
      out.trailer("X-Sum", "6");
    });
  });
  Served served = serve(std::move(router));
  SUBCASE("and the connection stays") {
    const std::string output = served.talk(get("/stream") + get("/hello"));
    CHECK(output.contains("\r\nTransfer-Encoding: chunked\r\n"));
    CHECK(output.contains(
        "\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\nX-Sum: 6\r\n\r\nHTTP/1.1 200 OK\r\n"));
    CHECK(output.ends_with("hello\n"));
  }
  SUBCASE("to HTTP/1.0 without chunks, up to the end of the connection") {
    const std::string output =
        served.talk("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false);
    CHECK(output.contains("\r\nConnection: close\r\n"));
    CHECK_FALSE(output.contains("chunked"));
    CHECK(output.ends_with("\r\n\r\nonetwo"));
  }
  SUBCASE("and HEAD gets its head alone") {
    const std::string output =
        served.talk("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n" + get("/hello"));
    CHECK(output.contains("\r\n\r\nHTTP/1.1 200"));
  }
}

TEST_CASE("a stream may be made of the request's body") {
  Router router = with_hello();
  router.post("/double", [](Request& request) -> Coro<Response> {
    co_return Response::stream("text/plain", [&request](BodyWriter& out) -> Coro<> {
      for (std::string piece(co_await request.read()); !piece.empty();
           piece = co_await request.read()) {
        co_await out.write(piece + piece);
      }
    });
  });
  Served served = serve(std::move(router));
  served.run([&](MemoryStream& client) -> Coro<> {
    (void)co_await client.send("POST /double HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
    std::string output;
    while (!output.ends_with("6\r\nabcabc\r\n")) {
      co_await Served::read_size(client, output, output.size() + 1);
    }
    (void)co_await client.send("def" + get("/hello"));
    (void)client.shutdown();
    output.clear();
    co_await Served::read_to_end(client, output);
    CHECK(output.starts_with("6\r\ndefdef\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"));
  });
}

TEST_CASE("a producer that throws cuts the connection off, and the log says why") {
  Router router;
  router.get("/stream", [](Request&) -> Coro<Response> {
    co_return Response::stream("text/plain", [](BodyWriter& out) -> Coro<> {
      co_await out.write("part");
      throw std::runtime_error("the rest is missing");
    });
  });
  const Logged logged;
  Served served = serve(std::move(router));
  served.run([&](MemoryStream& client) -> Coro<> {
    (void)co_await client.send(get("/stream"));
    std::string output;
    while (auto chunk = co_await client.recv()) {
      output += chunk->text();
    }
    CHECK_FALSE(output.ends_with("0\r\n\r\n"));
    const auto end = co_await client.recv();
    CHECK(end.error() != Errc::end_of_stream);
  });
  CHECK(logged.lines().contains("the rest is missing"));
}

TEST_CASE("a client that goes cancels who makes the answer") {
  bool cancelled = false;
  Router router;
  router.get("/stream", [&cancelled](Request&) -> Coro<Response> {
    co_return Response::stream("text/plain", [&cancelled](BodyWriter& out) -> Coro<> {
      co_await out.write("part");
      try {
        co_await sleep(100h);
      } catch (const Cancelled&) {
        cancelled = true;
        throw;
      }
    });
  });
  Served served = serve(std::move(router));
  const TimePoint start = served.now();
  served.run([&](MemoryStream& client) -> Coro<> {
    (void)co_await client.send(get("/stream"));
    std::string output;
    co_await Served::read_size(client, output, 1);
    client.close(Stream::CloseMode::abort);
  });
  CHECK(cancelled);
  CHECK(served.now() - start < 1h);
}

TEST_CASE("events are written as browsers read them") {
  Router router;
  router.get("/events", [](Request&) -> Coro<Response> {
    co_return Response::events([](EventStream& events) -> Coro<> {
      co_await events.send({.data = "one\ntwo\r\nthree\rfour"});
      co_await events.send({.data = "x", .event = "price", .id = "7", .retry = 3s});
      CHECK_THROWS_AS(co_await events.send({.data = "", .event = "a\nb"}), std::invalid_argument);
      co_await sleep(40s);
      co_await events.send({.data = ""});
    });
  });
  Served served = serve(std::move(router));
  const std::string output = served.talk(get("/events", "Connection: close\r\n"));
  CHECK(output.contains("\r\nContent-Type: text/event-stream\r\n"));
  CHECK(output.contains("\r\nCache-Control: no-cache\r\n"));
  CHECK(output.contains("data: one\ndata: two\ndata: three\ndata: four\n\n"));
  CHECK(output.contains("event: price\nid: 7\nretry: 3000\ndata: x\n\n"));
  CHECK(output.contains(":\n\n\r\n3\r\n:\n\n\r\n8\r\ndata: \n\n\r\n0\r\n\r\n"));
}

TEST_CASE("an upgrade is served to who asks for it, with what came after the request") {
  Router router = with_hello();
  // [upgrade]
  router.get("/shout", [](Request&) -> Coro<Response> {
    co_return Response::upgrade("shout", [](Connection& peer) -> Coro<> {
      while (auto line = co_await peer.read_line()) {
        co_await peer.send(std::string_view(*line + "!\n"));
      }
    });
  });
  // [/upgrade]
  Served served = serve(std::move(router));
  SUBCASE("asked for") {
    const std::string output = served.talk(
        get("/shout", "Connection: keep-alive, Upgrade\r\nUpgrade: h2c, shout\r\n") + "a\nb\n");
    CHECK(output.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
    CHECK(output.contains("\r\nUpgrade: shout\r\n"));
    CHECK(output.ends_with("\r\n\r\na!\nb!\n"));
  }
  SUBCASE("not asked for") {
    const std::vector<Reply> replies =
        parse_replies(served.talk(get("/shout", "Upgrade: shout\r\n") + get("/hello")));
    REQUIRE(replies.size() == 2);
    CHECK(replies[0].status == 426);
    CHECK(replies[0].says("Upgrade: shout"));
    CHECK(replies[1].status == 200);
  }
  SUBCASE("and one that isn't offered is passed over") {
    const std::vector<Reply> replies =
        parse_replies(served.talk(get("/hello",
                                      "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                                      "HTTP2-Settings: AAMAAABkAAQAAP__\r\n") +
                                  get("/hello")));
    REQUIRE(replies.size() == 2);
    CHECK(replies[1].body == "hello\n");
  }
}

TEST_CASE("a status without a body has none, and none is announced") {
  Router router;
  router.get("/none", [](Request&) -> Coro<Response> { co_return Response(204); });
  router.get("/same", [](Request&) -> Coro<Response> {
    co_return Response::text("never sent").with_status(304);
  });
  Served served = serve(std::move(router));
  const std::vector<Reply> replies = parse_replies(served.talk(get("/none") + get("/same")));
  REQUIRE(replies.size() == 2);
  CHECK(replies[0].field("Content-Length").empty());
  CHECK(replies[1].field("Content-Length").empty());
}

TEST_CASE("nothing that a handler sets can make a second field or answer") {
  Response response;
  CHECK_THROWS_AS(response.set("X", "a\r\nSet-Cookie: b"), std::invalid_argument);
  CHECK_THROWS_AS(response.set("X: y\r\nZ", "a"), std::invalid_argument);
  CHECK_THROWS_AS(response.set("", "a"), std::invalid_argument);
  CHECK_THROWS_AS(response.set("Content-Length", "3"), std::invalid_argument);
  CHECK_THROWS_AS(response.set("transfer-encoding", "chunked"), std::invalid_argument);
  CHECK_THROWS_AS(response.set_status(101), std::invalid_argument);
  CHECK_THROWS_AS(response.set_status(600), std::invalid_argument);
  CHECK(Response::redirect("/a\r\nX: y").header("Location") == "/a%0D%0AX:%20y");
}

TEST_CASE("fields are set, added and removed whatever their case") {
  Response response = Response::text("x").with("X-A", "1");
  response.set("x-a", "2").add("Set-Cookie", "a").add("set-cookie", "b");
  CHECK(response.header("X-A") == "2");
  CHECK(response.header("content-type") == kPlainText);
  response.set("Content-Type", "text/css");
  CHECK(response.header("content-type") == "text/css");
  response.remove("SET-COOKIE");
  CHECK_FALSE(response.header("Set-Cookie").has_value());
}

TEST_CASE("a form is decoded, from the query and from a body") {
  const Form form =
      parse_form("name=Ada+Lovelace&born=1815&x=%26%3D&name=again&empty=&flag&&bad=%zz");
  CHECK(form.get("name") == "Ada Lovelace");
  CHECK(form.get_all("name").size() == 2);
  CHECK(form.get("x") == "&=");
  CHECK(form.get("empty") == "");
  CHECK(form.get("flag") == "");
  CHECK(form.get("bad") == "%zz");
  CHECK_FALSE(form.get("none").has_value());

  Router router;
  router.post("/form", [](Request& request) -> Coro<Response> {
    const Form posted = co_await request.form();
    co_return Response::text(posted.get("a").value_or("") + *request.query("b"));
  });
  Served served = serve(std::move(router));
  const std::vector<Reply> replies = parse_replies(
      served.talk(post("/form?b=2", "a=1",
                       "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n") +
                  post("/form?b=2", "a=1", "Content-Type: text/plain\r\n")));
  REQUIRE(replies.size() == 2);
  CHECK(replies[0].body == "12");
  CHECK(replies[1].status == 415);
}

TEST_CASE("a slow handler is not the idle connection's business") {
  Router router;
  router.get("/slow", [](Request&) -> Coro<Response> {
    co_await sleep(10min);
    co_return Response::text("slow\n");
  });
  Served served = serve(std::move(router), {.keep_alive_timeout = 5s});
  served.run([&](MemoryStream& client) -> Coro<> {
    std::string output;
    (void)co_await client.send(get("/slow"));
    co_await Served::read_size(client, output, 1);
    CHECK(parse_replies(output).at(0).body == "slow\n");
  });
}

TEST_CASE("what a handler looks at stays, also of a request that came behind another one's body") {
  Served served = serve(with_echo());
  served.run([&](MemoryStream& client) -> Coro<> {
    const std::string head = "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 200\r\n\r\n";
    const std::string body(200, 'x');
    std::string output;
    for (const std::string& piece : {head, body + head, body + head, body}) {
      (void)co_await client.send(piece);
      co_await sleep(1ms);
    }
    (void)client.shutdown();
    co_await Served::read_to_end(client, output);
    const std::vector<Reply> replies = parse_replies(output);
    REQUIRE(replies.size() == 3);
    for (const Reply& reply : replies) {
      CHECK(reply.body == "200 of /length");
    }
  });
}

TEST_CASE("who waits for 100 is told to go on before a stream begins, never in the middle of it") {
  Router router;
  router.post("/copy", [](Request& request) -> Coro<Response> {
    co_return Response::stream("text/plain", [&request](BodyWriter& out) -> Coro<> {
      co_await out.write("begin");
      co_await out.write(std::string(co_await request.read()));
    });
  });
  Served served = serve(std::move(router));
  served.run([&](MemoryStream& client) -> Coro<> {
    (void)co_await client.send(
        "POST /copy HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    std::string output;
    co_await Served::read_size(client, output, 30);
    (void)co_await client.send("abc");
    (void)client.shutdown();
    co_await Served::read_to_end(client, output);
    CHECK(output.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
    CHECK(output.ends_with("\r\n\r\n5\r\nbegin\r\n3\r\nabc\r\n0\r\n\r\n"));
  });
}

TEST_CASE("the time that a handler takes is not the client's who sends the body") {
  Router router;
  router.post("/slow", [](Request& request) -> Coro<Response> {
    std::string body(co_await request.read());
    co_await sleep(60s);
    for (std::string_view piece = co_await request.read(); !piece.empty();
         piece = co_await request.read()) {
      body += piece;
    }
    co_return Response::text(body);
  });
  Served served = serve(std::move(router), {.min_rate = 100, .rate_grace = 2s});
  served.run([&](MemoryStream& client) -> Coro<> {
    (void)co_await client.send("POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n");
    co_await sleep(100ms);
    (void)co_await client.send("abc");
    co_await sleep(61s);  // the handler has waited for a second by then
    (void)co_await client.send("def");
    std::string output;
    co_await Served::read_size(client, output, 1);
    CHECK(parse_replies(output).at(0).body == "abcdef");
  });
}

TEST_CASE("the end of events waits for a heartbeat that is being sent") {
  Router router;
  router.get("/events", [](Request&) -> Coro<Response> {
    co_return Response::events([](EventStream& events) -> Coro<> {
      const std::string large(1 << 16, 'x');
      (void)events;
      co_await events.send({.data = large});
      co_await sleep(16s);
    });
  });
  Served served = serve(std::move(router), {.min_rate = 0});
  served.run([&](MemoryStream& client) -> Coro<> {
    (void)co_await client.send(get("/events", "Connection: close\r\n"));
    co_await sleep(1h);
    std::string output;
    co_await Served::read_to_end(client, output);
    CHECK(output.ends_with("\r\n0\r\n\r\n"));
  });
}

TEST_CASE("whoever serves an upgrade may look at its request") {
  Router router;
  router.get("/shout", [](Request& request) -> Coro<Response> {
    co_return Response::upgrade("shout", [&request](Connection& peer) -> Coro<> {
      while (auto line = co_await peer.read_line()) {
        co_await peer.send(std::string_view(*line + " " + std::string(request.path()) + "\n"));
      }
    });
  });
  Served served = serve(std::move(router));
  served.run([&](MemoryStream& client) -> Coro<> {
    (void)co_await client.send(get("/shout", "Connection: Upgrade\r\nUpgrade: shout\r\n") + "a\n");
    co_await sleep(1ms);
    for (int i = 0; i < 3; ++i) {
      (void)co_await client.send(std::string(300, 'b') + "\n");
      co_await sleep(1ms);
    }
    (void)client.shutdown();
    std::string output;
    co_await Served::read_to_end(client, output);
    CHECK(output.ends_with("b /shout\n"));
    CHECK(output.contains("\na /shout\n"));
  });
}

}  // namespace simul::http
