#include <simul/http/router.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include <simul/http/http_error.hpp>
#include <simul/loop.hpp>

#include "fake_request.hpp"

namespace simul::http {
namespace {

Handler says(std::string text) {
  return [text](Request&) -> Coro<Response> { co_return Response::text(text); };
}

Handler tells(std::string name) {
  return
      [name](Request& request) -> Coro<Response> { co_return Response::text(request.param(name)); };
}

Response respond(const Router& router, std::string_view method, std::string_view path) {
  FakeRequest fake(method, path);
  return run(router.respond(fake.request()));
}

std::string body(const Router& router, std::string_view method, std::string_view path) {
  return std::string(respond(router, method, path).text_body().value_or("(none)"));
}

}  // namespace

TEST_CASE("a route is found by its method and path") {
  Router router;
  router.get("/", says("root"))
      .get("/a", says("a"))
      .post("/a", says("posted"))
      .get("/a/b", says("b"));
  CHECK(body(router, "GET", "/") == "root");
  CHECK(body(router, "GET", "/a") == "a");
  CHECK(body(router, "POST", "/a") == "posted");
  CHECK(body(router, "GET", "/a/b") == "b");
  CHECK(respond(router, "GET", "/b").status() == 404);
  CHECK(respond(router, "GET", "/a/").status() == 404);
  CHECK(respond(router, "GET", "/A").status() == 404);
  CHECK(respond(router, "GET", "//a").status() == 404);
}

TEST_CASE("a parameter is one segment, decoded") {
  Router router;
  router.get("/users/{id}", tells("id")).get("/users/{id}/posts/{post}", tells("post"));
  CHECK(body(router, "GET", "/users/7") == "7");
  CHECK(body(router, "GET", "/users/caf%C3%A9") == "caf\xC3\xA9");
  CHECK(body(router, "GET", "/users/a%2Fb") == "a/b");
  CHECK(body(router, "GET", "/users/7/posts/12") == "12");
  CHECK(respond(router, "GET", "/users/").status() == 404);
  CHECK(respond(router, "GET", "/users/7/posts").status() == 404);
  CHECK(respond(router, "GET", "/users/%zz").status() == 400);
}

TEST_CASE("a rest takes all that is left, and not nothing") {
  Router router;
  router.get("/files/{path...}", tells("path"));
  CHECK(body(router, "GET", "/files/a") == "a");
  CHECK(body(router, "GET", "/files/a/b%20c/d") == "a/b c/d");
  CHECK(respond(router, "GET", "/files/").status() == 404);
  CHECK(respond(router, "GET", "/files").status() == 404);
}

TEST_CASE("a literal goes before a parameter and that before a rest, and a dead end leads back") {
  Router router;
  router.get("/{path...}", says("rest"))
      .get("/{name}/edit", says("edit"))
      .get("/users/{id}", says("user"))
      .get("/users/me", says("me"));
  CHECK(body(router, "GET", "/users/me") == "me");
  CHECK(body(router, "GET", "/users/you") == "user");
  CHECK(body(router, "GET", "/users/edit") == "user");
  CHECK(body(router, "GET", "/groups/edit") == "edit");
  CHECK(body(router, "GET", "/users/me/edit") == "rest");
  CHECK(body(router, "GET", "/groups/x/y") == "rest");
}

TEST_CASE("an order of routes makes no difference") {
  Router router;
  router.get("/users/me", says("me"))
      .get("/users/{id}", says("user"))
      .get("/{path...}", says("rest"));
  CHECK(body(router, "GET", "/users/me") == "me");
  CHECK(body(router, "GET", "/users/7") == "user");
  CHECK(body(router, "GET", "/x") == "rest");
}

TEST_CASE("another method than there is gets 405 with those that there are") {
  Router router;
  router.get("/a", says("a")).post("/a", says("a"));
  const Response refused = respond(router, "DELETE", "/a");
  CHECK(refused.status() == 405);
  CHECK(refused.header("Allow") == "GET, HEAD, POST, OPTIONS");
  const Response options = respond(router, "OPTIONS", "/a");
  CHECK(options.status() == 204);
  CHECK(options.header("allow") == "GET, HEAD, POST, OPTIONS");
  CHECK(respond(router, "OPTIONS", "*").status() == 204);
  CHECK(respond(router, "OPTIONS", "/b").status() == 404);
}

TEST_CASE("HEAD takes GET's handler unless it has one") {
  Router router;
  router.get("/a", says("get")).get("/b", says("get")).route("HEAD", "/b", says("head"));
  CHECK(body(router, "HEAD", "/a") == "get");
  CHECK(body(router, "HEAD", "/b") == "head");
}

TEST_CASE("a method of one's own is a method") {
  Router router;
  router.route("QUERY", "/a", says("found"));
  CHECK(body(router, "QUERY", "/a") == "found");
}

TEST_CASE("patterns that can't be are refused with a reason") {
  Router router;
  const auto refuses = [&](std::string_view pattern) {
    try {
      router.get(pattern, says(""));
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refuses("a").contains("begins with a slash"));
  CHECK(refuses("/{}").contains("name"));
  CHECK(refuses("/{a").contains("without '}'"));
  CHECK(refuses("/x{a}").contains("whole segment"));
  CHECK(refuses("/{a...}/b").contains("last segment"));
  CHECK(refuses("/{a}/{a}").contains("same name"));
  CHECK(refuses("/{a-b}").contains("letters"));
  CHECK(refuses("/ok").empty());
  CHECK(refuses("/ok").contains("already"));
  CHECK_THROWS_AS(router.route("GE T", "/b", says("")), std::invalid_argument);
  CHECK_THROWS_AS(router.get("/b", Handler()), std::invalid_argument);
}

TEST_CASE("middleware goes around the handler, the first one outermost, before and after it") {
  Router router;
  std::string trace;
  const auto tracing = [&trace](std::string name) -> Middleware {
    return [&trace, name](Request& request, const Handler& next) -> Coro<Response> {
      trace += name + "(";
      Response response = co_await next(request);
      trace += ")" + name;
      co_return std::move(response).with("X-" + name, "1");
    };
  };
  router.use(tracing("a"));
  router.get("/", [&trace](Request&) -> Coro<Response> {
    trace += "handler";
    co_return Response::text("");
  });
  router.use(tracing("b"));
  const Response response = respond(router, "GET", "/");
  CHECK(trace == "a(b(handler)b)a");
  CHECK(response.header("X-a") == "1");
  CHECK(response.header("X-b") == "1");
  trace.clear();
  CHECK(respond(router, "GET", "/none").status() == 404);
  CHECK(trace == "a(b()b)a");
}

TEST_CASE("middleware may answer itself, and leave something for the handler") {
  struct User {
    std::string name;
  };
  Router router;
  // [middleware]
  router.use([](Request& request, const Handler& next) -> Coro<Response> {
    if (request.query("user") == std::nullopt) {
      co_return Response::error(401);
    }
    request.put(User{*request.query("user")});
    co_return co_await next(request);
  });
  router.get("/me", [](Request& request) -> Coro<Response> {
    CHECK(request.get<int>() == nullptr);
    co_return Response::text(request.get<User>()->name);
  });
  // [/middleware]
  CHECK(respond(router, "GET", "/me").status() == 401);
  CHECK(body(router, "GET", "/me?user=ada") == "ada");
}

TEST_CASE("middleware sees an answer where the handler throws one, and the exception otherwise") {
  Router router;
  int seen = 0;
  router.use([&seen](Request& request, const Handler& next) -> Coro<Response> {
    Response response = co_await next(request);
    seen = response.status();
    co_return response;
  });
  router.get("/teapot", [](Request&) -> Coro<Response> {
    throw HttpError(418, "short and stout");
    co_return Response();
  });
  router.get("/bug", [](Request&) -> Coro<Response> {
    throw std::runtime_error("a bug");
    co_return Response();
  });
  CHECK(body(router, "GET", "/teapot") == "short and stout\n");
  CHECK(seen == 418);
  seen = 0;
  CHECK_THROWS_AS(respond(router, "GET", "/bug"), std::runtime_error);
  CHECK(seen == 0);
}

TEST_CASE("a router can be moved") {
  Router router;
  router.get("/a", says("a"));
  router.use([](Request& request, const Handler& next) -> Coro<Response> {
    co_return co_await next(request);
  });
  Router moved = std::move(router);
  CHECK(body(moved, "GET", "/a") == "a");
}

TEST_CASE("the rest of a path doesn't lead out of it") {
  Router router;
  router.get("/files/{path...}", tells("path"));
  CHECK(body(router, "GET", "/files/a/b.c") == "a/b.c");
  CHECK(body(router, "GET", "/files/a/..b/...") == "a/..b/...");
  for (const std::string_view path :
       {"/files/../secret", "/files/a/%2e%2E/secret", "/files/..", "/files/./a",
        "/files/%2Fetc%2Fpasswd", "/files/a/..%2F..%2Fsecret", "/files/a%00"}) {
    CAPTURE(path);
    CHECK(respond(router, "GET", path).status() == 404);
  }
}

}  // namespace simul::http
