#include "http/request_parser.hpp"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "parsed.hpp"

namespace simul::http {
namespace {

using Event = RequestParser::Event;
using testing::Outcome;
using testing::parse;
using testing::Parsed;

int status_of(std::string_view input, const RequestLimits& limits = {}) {
  return parse(input, limits).status;
}

}  // namespace

TEST_CASE("a request is found and taken apart however it was cut up") {
  const Outcome outcome = parse("GET /a/b?x=1&y HTTP/1.1\r\nHost: example.org:80\r\nA: b\r\n\r\n");
  REQUIRE(outcome.requests.size() == 1);
  CHECK(outcome.requests[0] == Parsed{.method = "GET",
                                      .target = "/a/b?x=1&y",
                                      .path = "/a/b",
                                      .query = "x=1&y",
                                      .host = "example.org:80",
                                      .fields = "Host: example.org:80\r\nA: b\r\n",
                                      .keep_alive = true,
                                      .complete = true});
  CHECK(outcome.status == 0);
  CHECK(outcome.idle);
}

TEST_CASE("pipelined requests are found one after the other, with their bodies") {
  const Outcome outcome = parse(
      "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
      "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
      "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTail: x\r\n\r\n"
      "\r\nHEAD /4 HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(outcome.requests.size() == 4);
  CHECK(outcome.status == 0);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(outcome.requests[i].path == "/" + std::to_string(i + 1));
    CHECK(outcome.requests[i].complete);
  }
  CHECK(outcome.requests[1].body == "hello");
  CHECK(outcome.requests[1].content_length == 5);
  CHECK(outcome.requests[2].body == "hello world");
  CHECK_FALSE(outcome.requests[2].content_length.has_value());
  CHECK(outcome.idle);
}

TEST_CASE("the bytes of a body are given out as they come, and counted down") {
  const RequestLimits limits;
  RequestParser parser(limits);
  REQUIRE(parser.parse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n").event ==
          Event::head);
  CHECK(parser.in_body());
  CHECK(parser.body_left() == 5);
  const auto [event, consumed, body] = parser.parse("hel");
  CHECK(event == Event::body);
  CHECK(consumed == 3);
  CHECK(body == "hel");
  CHECK(parser.body_left() == 2);
  CHECK(parser.parse("").event == Event::more);
  const auto rest = parser.parse("loGET");
  CHECK(rest.event == Event::body);
  CHECK(rest.body == "lo");
  CHECK(parser.body_left() == 0);
  CHECK(parser.parse("GET").event == Event::end);
  CHECK_FALSE(parser.in_body());
  CHECK(parser.idle());
  CHECK(parser.request().method == "POST");
}

TEST_CASE("nobody knows what is left of a body in chunks") {
  const RequestLimits limits;
  RequestParser parser(limits);
  REQUIRE(parser.parse("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").event ==
          Event::head);
  CHECK_FALSE(parser.body_left().has_value());
  CHECK(parser.parse("5\r\nhe").body == "he");
  CHECK_FALSE(parser.body_left().has_value());
}

TEST_CASE("a head that came in pieces stays while the body is parsed") {
  const RequestLimits limits;
  RequestParser parser(limits);
  CHECK(parser.parse("POST /here HTTP/1.1\r\nHost: a\r\nContent-").event == Event::more);
  CHECK(parser.parse("Length: 2\r\n\r\n").event == Event::head);
  CHECK_FALSE(parser.head_is_in_input());
  CHECK(parser.parse("hi").event == Event::body);
  CHECK(parser.request().path == "/here");
  CHECK(parser.parse("").event == Event::end);
  CHECK(parser.request().fields.find("host") == "a");
  CHECK(parser.idle());
  const std::string_view next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
  CHECK(parser.parse(next).event == Event::head);
  CHECK(parser.head_is_in_input());
  CHECK(parser.request().path == "/next");
}

TEST_CASE("a request that isn't complete is no request yet") {
  CHECK_FALSE(parse("GET / HTTP/1.1\r\nHost: a\r\n").idle);
  CHECK(parse("GET / HTTP/1.1\r\nHost: a\r\n").requests.empty());
  const Outcome outcome = parse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell");
  REQUIRE(outcome.requests.size() == 1);
  CHECK_FALSE(outcome.requests[0].complete);
  CHECK_FALSE(outcome.idle);
}

TEST_CASE("empty lines before a request are passed over") {
  CHECK(parse("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").requests.size() == 1);
  CHECK(parse("\r\n").idle);
}

TEST_CASE("the field Connection decides with the version whether the connection stays") {
  const auto keep_alive = [](std::string_view version, std::string_view fields) {
    return parse("GET / " + std::string(version) + "\r\nHost: a\r\n" + std::string(fields) + "\r\n")
        .requests.at(0)
        .keep_alive;
  };
  CHECK(keep_alive("HTTP/1.1", ""));
  CHECK_FALSE(keep_alive("HTTP/1.1", "Connection: close\r\n"));
  CHECK_FALSE(keep_alive("HTTP/1.1", "Connection: Foo , CLOSE\r\n"));
  CHECK_FALSE(keep_alive("HTTP/1.1", "Connection: foo\r\nconnection: close\r\n"));
  CHECK(keep_alive("HTTP/1.1", "Connection: closed\r\n"));
  CHECK_FALSE(keep_alive("HTTP/1.0", ""));
  CHECK(keep_alive("HTTP/1.0", "Connection: Keep-Alive\r\n"));
  CHECK_FALSE(keep_alive("HTTP/1.0", "Connection: keep-alive, close\r\n"));
}

TEST_CASE("a target may carry a scheme and a host, which goes before the field Host") {
  const Outcome outcome = parse("GET http://b:81/x?y HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(outcome.requests.size() == 1);
  CHECK(outcome.requests[0].path == "/x");
  CHECK(outcome.requests[0].query == "y");
  CHECK(outcome.requests[0].host == "b:81");
  CHECK(parse("GET HTTP://b HTTP/1.1\r\nHost: a\r\n\r\n").requests.at(0).path == "/");
  CHECK(parse("GET http://b?q HTTP/1.1\r\nHost: a\r\n\r\n").requests.at(0).query == "q");
}

TEST_CASE("fields are found by name in whatever case") {
  const RequestLimits limits;
  RequestParser parser(limits);
  const std::string_view input = "GET / HTTP/1.1\r\nHost: a\r\nX-Tag:  one two \r\nEmpty:\r\n\r\n";
  REQUIRE(parser.parse(input).event == Event::head);
  CHECK(parser.request().fields.find("x-tag") == "one two");
  CHECK(parser.request().fields.find("EMPTY") == "");
  CHECK_FALSE(parser.request().fields.find("tag").has_value());
}

TEST_CASE("an upgrade to another protocol is not taken up") {
  const Outcome outcome = parse(
      "GET /1 HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
      "POST /2 HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: "
      "2\r\n\r\nhi"
      "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(outcome.requests.size() == 3);
  CHECK(outcome.idle);
}

TEST_CASE("a request line that isn't one is refused") {
  CHECK(status_of("GET\r\n") == 400);
  CHECK(status_of(" / HTTP/1.1\r\n") == 400);
  CHECK(status_of("GET  HTTP/1.1\r\n") == 400);
  CHECK(status_of("GET /\r\n\r\n") == 400);
  CHECK(status_of("GET  / HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET /  HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.1 \r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET x HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET * HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET http://u@b/x HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET / http/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.10\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET / FTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("G@T / HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("\x16\x03\x01") == 400);
  CHECK(status_of("\n") == 400);
  CHECK(status_of("\rG") == 400);
  CHECK(status_of(std::string_view("\0", 1)) == 400);
}

TEST_CASE("methods and versions that are not known are refused as such") {
  CHECK(status_of("BREW / HTTP/1.1\r\nHost: a\r\n\r\n") == 501);
  CHECK(status_of("get / HTTP/1.1\r\nHost: a\r\n\r\n") == 501);
  CHECK(status_of("DESCRIBE / HTTP/1.1\r\nHost: a\r\n\r\n") == 501);
  CHECK(status_of("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n") == 501);
  CHECK(status_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n") == 505);
  CHECK(status_of("GET / HTTP/0.9\r\n\r\n") == 505);
  CHECK(status_of("GET / HTTP/1.2\r\nHost: a\r\n\r\n") == 505);
  CHECK(status_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == 505);
}

TEST_CASE("a header that two servers could read differently is refused") {
  const auto with = [](std::string_view fields) {
    return status_of("POST / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n");
  };
  CHECK(with("") == 0);
  SUBCASE("lines") {
    CHECK(status_of("GET / HTTP/1.1\nHost: a\n\n") == 400);
    CHECK(with("A: b\n") == 400);
    CHECK(with("A: b\rC: d\r\n") == 400);
    CHECK(with("A: b\r\r\n") == 400);
    CHECK(with("A: b\r\n c\r\n") == 400);
    CHECK(with(" A: b\r\n") == 400);
    CHECK(with("\rX") == 400);
    CHECK(status_of("GET / HTTP/1.1\r\n Host: a\r\n\r\n") == 400);
    CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\n\n") == 400);
  }
  SUBCASE("names and values") {
    CHECK(with("A : b\r\n") == 400);
    CHECK(with(": b\r\n") == 400);
    CHECK(with("A\r\n") == 400);
    CHECK(with("A b: c\r\n") == 400);
    CHECK(with("A: \x01\r\n") == 400);
    CHECK(with("A: \x7f\r\n") == 400);
    CHECK(with(std::string_view("A: \0\r\n", 6)) == 400);
    CHECK(with("A: \xE2\x98\x83\r\n") == 0);
  }
  SUBCASE("Host") {
    CHECK(status_of("GET / HTTP/1.1\r\n\r\n") == 400);
    CHECK(status_of("GET / HTTP/1.0\r\n\r\n") == 0);
    CHECK(with("Host: a\r\n") == 400);
    CHECK(with("Host: b\r\n") == 400);
    CHECK(status_of("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n") == 400);
    CHECK(status_of("GET / HTTP/1.1\r\nHost: u@b\r\n\r\n") == 400);
    CHECK(status_of("GET / HTTP/1.1\r\nHost: a b\r\n\r\n") == 400);
    CHECK(status_of("GET / HTTP/1.1\r\nHost:\r\n\r\n") == 0);
    CHECK(status_of("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n") == 0);
  }
  SUBCASE("the length of the body") {
    CHECK(with("Content-Length: 0\r\n") == 0);
    CHECK(with("Content-Length: +1\r\n") == 400);
    CHECK(with("Content-Length: -1\r\n") == 400);
    CHECK(with("Content-Length: 0x1\r\n") == 400);
    CHECK(with("Content-Length: 1 1\r\n") == 400);
    CHECK(with("Content-Length: 1, 1\r\n") == 400);
    CHECK(with("Content-Length:\r\n") == 400);
    CHECK(with("Content-Length: 99999999999999999999\r\n") == 400);
    CHECK(with("Content-Length: 1\r\nContent-Length: 1\r\n") == 400);
    CHECK(with("Content-Length: 0\r\nContent-Length: 1\r\n") == 400);
    CHECK(with("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n") == 400);
    CHECK(with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") == 400);
    CHECK(with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") == 400);
    CHECK(with("Transfer-Encoding: chunked, chunked\r\n") == 400);
    CHECK(with("Transfer-Encoding: gzip, chunked\r\n") == 501);
    CHECK(with("Transfer-Encoding: xchunked\r\n") == 501);
    CHECK(with("Transfer-Encoding: identity\r\n") == 400);
    CHECK(with("Transfer-Encoding:\r\n") == 400);
    CHECK(with("Transfer-Encoding: \"chunked\"\r\n") == 400);
    CHECK(with("Transfer-Encoding: CHUNKED\r\n") == 0);
    CHECK(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
  }
}

TEST_CASE("chunks are taken by the letter") {
  const auto with = [](std::string_view body) {
    return parse("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
                 std::string(body));
  };
  CHECK(with("0\r\n\r\n").idle);
  CHECK(with("A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n").idle);
  CHECK(with("1;x;q=\"a;b\"\r\nx\r\n0;last\r\n\r\n").idle);
  CHECK(with("1\nx\r\n0\r\n\r\n").status == 400);
  CHECK(with("1\r\nx\n0\r\n\r\n").status == 400);
  CHECK(with("1\r\nxy\r\n0\r\n\r\n").status == 400);
  CHECK(with("0x1\r\nx\r\n0\r\n\r\n").status == 400);
  CHECK(with("-1\r\nx\r\n0\r\n\r\n").status == 400);
  CHECK(with("\r\n\r\n").status == 400);
  CHECK(with("1 \r\nx\r\n0\r\n\r\n").status == 400);
  CHECK(with("1;x\ny\r\nx\r\n0\r\n\r\n").status == 400);
  CHECK(with("FFFFFFFFFFFFFFFFFF\r\nx").status != 0);
  CHECK(with("0\r\nA: b\n\r\n").status == 400);
  CHECK(with("0\r\nA: b\rC: d\r\n\r\n").status == 400);
  CHECK(with("0\r\nA b\r\n\r\n").status == 400);
}

TEST_CASE("limits hold to the byte, and however the input was cut up") {
  const RequestLimits limits{.target = 100, .head = 300, .body = 10};
  const auto target = [&](std::size_t size) {
    return status_of("GET /" + std::string(size - 1, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", limits);
  };
  CHECK(target(100) == 0);
  CHECK(target(101) == 414);
  CHECK(target(200) == 414);
  CHECK(status_of("GET /" + std::string(200, 'a'), limits) == 414);

  const auto head = [&](std::size_t size) {
    const std::string start = "GET / HTTP/1.1\r\nHost: a\r\nA: ";
    return status_of(start + std::string(size - start.size() - 4, 'a') + "\r\n\r\n", limits);
  };
  CHECK(head(300) == 0);
  CHECK(head(301) == 431);
  CHECK(head(400) == 431);

  const auto length = [&](std::string_view text) {
    return status_of(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::string(text) + "\r\n\r\n", limits);
  };
  CHECK(length("10") == 0);
  CHECK(length("11") == 413);
  CHECK(length("18446744073709551615") == 413);

  const auto chunks = [&](std::string_view text) {
    return status_of(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(text),
        limits);
  };
  CHECK(chunks("5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n") == 0);
  CHECK(chunks("5\r\nhello\r\n6\r\n") == 413);
  CHECK(chunks("FFFFFFFFFFFFFFFF\r\n") == 413);
  CHECK(chunks("1;" + std::string(600, 'x')) == 413);
  CHECK(chunks("0\r\nA: " + std::string(400, 'x')) == 431);
  std::string lines;
  for (std::size_t i = 0; i < 200; ++i) {
    lines += "A:\r\n";
  }
  CHECK(chunks("0\r\n" + lines) == 431);
}

TEST_CASE("a limit of the head that is smaller than that of the target goes before") {
  const RequestLimits limits{.target = 1000, .head = 100};
  CHECK(status_of("GET /" + std::string(300, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", limits) == 414);
}

TEST_CASE("a header of too many fields is refused") {
  const auto with_fields = [](std::size_t count) {
    std::string input = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (std::size_t i = 1; i < count; ++i) {
      input += "A:\r\n";
    }
    return status_of(input + "\r\n");
  };
  CHECK(with_fields(RequestLimits{}.fields) == 0);
  CHECK(with_fields(RequestLimits{}.fields + 1) == 431);
}

TEST_CASE("Expect asks for a word before the body, or for what nobody has") {
  const auto expects = [](std::string_view input) {
    return parse(input).requests.at(0).expects_continue;
  };
  CHECK(expects("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\nx"));
  CHECK_FALSE(expects("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n"));
  CHECK_FALSE(expects("PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx"));
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\nExpect: cake\r\n\r\n") == 417);
}

}  // namespace simul::http
