// The programs of docs/http.md.
#include <simul/http/http.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

#include <simul/http/json.hpp>
#include <simul/simul.hpp>
#include <simul/testing.hpp>

using namespace simul;
using namespace std::chrono_literals;
using http::BodyWriter;
using http::HttpError;
using http::Request;
using http::Response;
using http::Router;

namespace {

// [hello]
Router make_hello() {
  Router router;
  router.get("/hello/{name}", [](Request& request) -> Coro<Response> {
    co_return Response::text("Hello, " + request.param("name") + "!\n");
  });
  return router;
}
// [/hello]

// [serve]
void serve_hello() {
  run(serve(listen(*Endpoint::parse("127.0.0.1:8080")), http::handler(make_hello())));
}
// [/serve]

// [talk]
/// All that a server for `router` answers to `input`, without a socket and in virtual time.
std::string talk(Router router, std::string input) {
  VirtualClock clock;
  Loop loop(clock);
  auto [server_end, client_end] = memory_stream_pair();
  const auto serve_one = [&, serve = http::handler(std::move(router))]() -> Coro<> {
    Connection connection(server_end, Endpoint(), 1);
    co_await serve(connection);
    connection.close();
  };
  std::string output;
  const auto ask = [&]() -> Coro<> {
    Task<> serving = spawn(serve_one);
    co_await client_end.send(input);
    CHECK_FALSE(client_end.shutdown());  // that was all: the server closes after its last answer
    while (auto chunk = co_await client_end.recv()) {
      output += chunk->text();
    }
    co_await serving;
  };
  loop.run_until_complete(ask());
  return output;
}
// [/talk]

std::string get(const std::string& target, const std::string& fields = {}) {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

std::string post(const std::string& target, const std::string& body,
                 const std::string& fields = {}) {
  return "POST " + target +
         " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         fields + "\r\n" + body;
}

bool has_status(const std::string& reply, int status) {
  return reply.starts_with("HTTP/1.1 " + std::to_string(status) + " ");
}

}  // namespace

// [test]
TEST_CASE("who comes by name is greeted by name") {
  const std::string reply =
      talk(make_hello(), "GET /hello/Ada HTTP/1.1\r\nHost: example.org\r\n\r\n");
  CHECK(reply.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(reply.ends_with("\r\n\r\nHello, Ada!\n"));
}
// [/test]

TEST_CASE("a router and its limits are all that a server is made of") {
  (void)serve_hello;
  // [options]
  const http::ServerOptions options{
      .max_body_size = 64 << 20, .header_timeout = 5s, .server_name = ""};
  const simul::Handler serves = http::handler(make_hello(), options);
  // [/options]
  CHECK(serves);
}

TEST_CASE("a request is looked at") {
  Router router;
  // [request]
  router.get("/search/{shelf}", [](Request& request) -> Coro<Response> {
    const std::string& shelf = request.param("shelf");                          // decoded
    const std::string words = request.query("q").value_or("");                  // decoded
    const std::string_view agent = request.header("user-agent").value_or("?");  // as sent
    co_return Response::text(shelf + ": " + words + ", for " + std::string(agent) + "\n");
  });
  // [/request]
  CHECK(talk(std::move(router), get("/search/a%20b?q=x+y", "User-Agent: me\r\n"))
            .ends_with("\r\na b: x y, for me\n"));
}

TEST_CASE("bodies are read in pieces, or as a form") {
  Router router;
  // [pieces]
  router.put("/uploads/{name}", [](Request& request) -> Coro<Response> {
    std::uint64_t size = 0;
    for (;;) {
      const std::string_view piece = co_await request.read();  // valid until the next read()
      if (piece.empty()) {
        break;
      }
      size += piece.size();
    }
    co_return Response::text(std::to_string(size) + " bytes\n").with_status(201);
  });
  // [/pieces]
  // [form]
  router.post("/login", [](Request& request) -> Coro<Response> {
    const http::Form form = co_await request.form();  // 415 if it is none
    if (form.get("name").value_or("").empty()) {
      throw HttpError(422, "who are you?");
    }
    co_return Response::redirect("/", 303).with("Set-Cookie",
                                                "session=1; HttpOnly; SameSite=Lax; Path=/");
  });
  // [/form]
  const std::string form = "Content-Type: application/x-www-form-urlencoded\r\n";
  const std::string output =
      talk(std::move(router), "PUT /uploads/a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" +
                                  post("/login", "name=Ada", form) + post("/login", "name=", form) +
                                  post("/login", "{}"));
  CHECK(output.contains("3 bytes\n"));
  CHECK(output.contains("\r\nLocation: /\r\nSet-Cookie: session=1"));
  CHECK(output.contains("HTTP/1.1 422 "));
  CHECK(output.contains("who are you?"));
  CHECK(output.contains("HTTP/1.1 415 "));
}

TEST_CASE("a stream has what it needs, and says how it ended") {
  Router router;
  // [lifetimes]
  router.get("/letters/{word}", [](Request& request) -> Coro<Response> {
    const std::string word = request.param("word");  // a local: gone once the handler has returned
    co_return Response::stream("text/plain", [word, &request](BodyWriter& out) -> Coro<> {
      for (const char letter : word) {
        const std::string line{letter, '\n'};  // stays while it is written
        if (!co_await out.write(line)) {
          co_return;  // the client has gone
        }
      }
      out.trailer("X-Path", request.path());  // the request is still there
    });
  });
  // [/lifetimes]
  CHECK(talk(std::move(router), get("/letters/ab"))
            .ends_with("\r\n\r\n2\r\na\n\r\n2\r\nb\n\r\n0\r\nX-Path: /letters/ab\r\n\r\n"));
}

TEST_CASE("files are chosen by name, from those that there are") {
  Router router;
  // [file]
  const std::map<std::string, std::string, std::less<>> reports = {
      {"readme", SIMUL_SOURCE_DIR "/README.md"}, {"lost", "/nowhere"}};
  router.get("/reports/{name}", [&reports](Request& request) -> Coro<Response> {
    const auto report = reports.find(request.param("name"));
    if (report == reports.end()) {
      throw HttpError(404);
    }
    co_return http::serve_file(request, report->second).with("Cache-Control", "no-cache");
  });
  // [/file]
  const std::string output =
      talk(std::move(router), get("/reports/readme", "Range: bytes=0-6\r\n"));
  CHECK(has_status(output, 206));
  CHECK(output.ends_with("\r\n\r\n# simul"));
}

TEST_CASE("what belongs together happens before an await") {
  Router router;
  // [at-once]
  std::map<std::string, int> stock = {{"tea", 1}};
  const auto pay = []() -> Coro<> { co_await sleep(1s); };
  router.post("/buy/{what}", [&](Request& request) -> Coro<Response> {
    int& left = stock[request.param("what")];
    if (left == 0) {
      throw HttpError(409, "sold out");
    }
    --left;  // before the await: meanwhile others run, and look at it
    co_await pay();
    co_return Response::text("sold\n");
  });
  // [/at-once]
  const std::string output = talk(std::move(router), post("/buy/tea", "") + post("/buy/tea", ""));
  CHECK(output.contains("sold\n"));
  CHECK(output.contains("HTTP/1.1 409 "));
}

TEST_CASE("middleware times what it goes around, and errors are answers") {
  Router router;
  // [timing]
  router.use([](Request& request, const http::Handler& next) -> Coro<Response> {
    const TimePoint begin = Loop::current().exact_now();
    Response response = co_await next(request);
    const auto took = Loop::current().exact_now() - begin;
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
    co_return std::move(response).with("Server-Timing", "all;dur=" + std::to_string(ms));
  });
  // [/timing]
  // [errors]
  router.get("/users/{id}", [](Request& request) -> Coro<Response> {
    if (request.param("id") != "7") {
      throw HttpError(404, "there is no such user");  // an answer, and not logged
    }
    throw std::runtime_error("the table is gone");  // 500, and a line in the log
    co_return Response();
  });
  // [/errors]
  std::string logged;
  set_log_sink([&](LogLevel, std::string_view line) { logged.append(line).append("\n"); });
  const std::string output = talk(std::move(router), get("/users/8") + get("/users/7"));
  set_log_sink({});
  CHECK(output.contains("\r\nServer-Timing: all;dur=0\r\n"));
  CHECK(output.contains("there is no such user"));
  CHECK(output.contains("HTTP/1.1 500 "));
  CHECK_FALSE(output.contains("the table is gone"));
  CHECK(logged.contains("the handler of 'GET /users/7' from "));
  CHECK(logged.contains("failed: the table is gone; thrown at http.cpp:"));
  CHECK_FALSE(logged.contains("no such user"));
}
