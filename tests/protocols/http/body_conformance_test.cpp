// One test for each rule about bodies that two servers could otherwise read differently. Each refusal takes a
// request that follows it along: see refuse().
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "http/body_decoder.hpp"
#include "parsed.hpp"

namespace simul::http {
namespace {

using testing::Outcome;
using testing::parse;
using testing::refuse;

constexpr std::string_view kHead =
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

int chunked(std::string_view body, const RequestLimits& limits = {}) {
  return refuse(std::string(kHead) + std::string(body), limits);
}

// After a chunk.
int with_trailer(std::string_view lines, const RequestLimits& limits = {}) {
  return chunked("1\r\nx\r\n0\r\n" + std::string(lines) + "\r\n", limits);
}

int with_extension(std::string_view extension) {
  return chunked("1" + std::string(extension) + "\r\nx\r\n0\r\n\r\n");
}

std::string body_of(std::string_view body) {
  const Outcome outcome = parse(std::string(kHead) + std::string(body));
  REQUIRE(outcome.requests.size() == 1);
  REQUIRE(outcome.idle);
  return outcome.requests[0].body;
}

}  // namespace

TEST_CASE("a body in chunks is put together, however they were cut") {
  CHECK(body_of("0\r\n\r\n").empty());
  CHECK(body_of("1\r\nx\r\n0\r\n\r\n") == "x");
  CHECK(body_of("A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n") == "01234567890123456789");
  CHECK(body_of("2\r\n\r\n\r\n2\r\n0\r\r\n0\r\n\r\n") == "\r\n0\r");
  CHECK(body_of("01\r\nx\r\n0000000000000001\r\ny\r\n0000000000000000\r\n\r\n") == "xy");
}

TEST_CASE("a size is 1 to 16 hexadecimal digits") {
  for (const std::string_view size : {"",
                                      " 1",
                                      "1 ",
                                      "\t1",
                                      "1\t",
                                      "+1",
                                      "-1",
                                      "0x1",
                                      "x",
                                      "1g",
                                      "1_",
                                      "1,",
                                      "1.",
                                      "G",
                                      "\xD9\xA1",
                                      "00000000000000001",
                                      "10000000000000001",
                                      "FFFFFFFFFFFFFFFFF",
                                      "1\x0b",
                                      "1\r"}) {
    CAPTURE(size);
    CHECK(chunked(std::string(size) + "\r\nx\r\n0\r\n\r\n") == 400);
  }
  CHECK(chunked(std::string_view("1\0\r\nx\r\n0\r\n\r\n", 13)) == 400);
  CHECK(chunked("1\r\nx\r\n\r\n\r\n") == 400);
  CHECK(chunked("1\r\nx\r\n00000000000000000\r\n\r\n") == 400);
}

TEST_CASE("chunks are held against the limit of a body as soon as their size is there") {
  const RequestLimits limits{.body = 10};
  CHECK(chunked("A\r\n0123456789\r\n0\r\n\r\n", limits) == 0);
  CHECK(chunked("B\r\n", limits) == 413);
  CHECK(chunked("5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n", limits) == 0);
  CHECK(chunked("5\r\nhello\r\n6\r\n", limits) == 413);
  CHECK(chunked("5\r\nhello\r\nFFFFFFFFFFFFFFFF\r\n", limits) == 413);
  CHECK(chunked("FFFFFFFFFFFFFFFF\r\n", limits) == 413);
  const RequestLimits none{.body = UINT64_MAX};
  CHECK(chunked("1\r\nx\r\nFFFFFFFFFFFFFFFF\r\n", none) == 413);
}

TEST_CASE("a line of the chunk framing that ends in LF alone is refused") {
  CHECK(chunked("1\nx\r\n0\r\n\r\n") == 400);
  CHECK(chunked("1\r\nx\n0\r\n\r\n") == 400);
  CHECK(chunked("1\r\nx\r\n0\n\r\n") == 400);
  CHECK(chunked("1\r\nx\r\n0\n\n") == 400);
  CHECK(chunked("1;a\nx\r\n0\r\n\r\n") == 400);
  CHECK(chunked("1;a=b\nx\r\n0\r\n\r\n") == 400);
  CHECK(chunked("1;a=\"b\nc\"\r\nx\r\n0\r\n\r\n") == 400);
  CHECK(chunked("1;a=\"\\\n\"\r\nx\r\n0\r\n\r\n") == 400);
  CHECK(chunked("1;\nx\r\n0\r\n\r\n") == 400);
}

TEST_CASE("a body that ends in LF alone is refused") {
  CHECK(chunked("1\r\nx\r\n0\r\n\n") == 400);
  CHECK(chunked("0\r\n\n") == 400);
  CHECK(with_trailer("A: b\r\n\n") == 400);
}

TEST_CASE("a CR of the chunk framing that ends no line is refused") {
  CHECK(chunked("1\rx\r\n0\r\n\r\n") == 400);
  CHECK(chunked("1\r\rx\r\n0\r\n\r\n") == 400);
  CHECK(chunked("1\r\nx\r0\r\n\r\n") == 400);
  CHECK(chunked("1\r\nx\r\r\n0\r\n\r\n") == 400);
  CHECK(chunked("1;a\rb\r\nx\r\n0\r\n\r\n") == 400);
  CHECK(chunked("1;a=\"\r\"\r\nx\r\n0\r\n\r\n") == 400);
  CHECK(chunked("0\r\n\rX") == 400);
  CHECK(chunked("0\r\n\r\r\n") == 400);
}

TEST_CASE("a chunk ends where its size says") {
  CHECK(chunked("1\r\nxy\r\n0\r\n\r\n") == 400);
  CHECK(chunked("2\r\nx\r\n0\r\n\r\n") == 400);
  CHECK(chunked("1\r\nx0\r\n\r\n") == 400);
  CHECK(chunked("0\r\nx\r\n\r\n") == 400);
}

TEST_CASE("what is legal as an extension is passed over") {
  for (const std::string_view extension :
       {";a", ";a=b", ";a=\"b\"", ";a=\"\"", ";a;b", ";a=b;c=d", ";a=\"b;c\";d", ";a=\"\\\"\"",
        ";a=\"\\\\\"", ";a=\"\t \x80\xff\"", ";a=\"\\\x80\"", ";!#$%&'*+-.^_`|~=!#$%&'*+-.^_`|~",
        ";a=\"0\\r\\n\"", " ;a", "; a", "\t;\ta\t;\tb", ";a = b", ";a =\"b\" ;c= d ; e"}) {
    CAPTURE(extension);
    CHECK(with_extension(extension) == 0);
    CHECK(chunked("0" + std::string(extension) + "\r\n\r\n") == 0);
  }
}

TEST_CASE("what is no extension is refused") {
  for (const std::string_view extension : {";",           ";;",          ";a;",
                                           ";=",          ";=b",         ";a=",
                                           ";a==b",       ";a=b=c",      ";a=\"b",
                                           ";a=\"b\"c",   ";a=b\"c\"",   ";a=\"b\"\"c\"",
                                           ";a b",        ";a=b c",      ";a ",
                                           ";a=b ",       ";a=\"b\" ",   "; ",
                                           " ",           ";a,b",        ";a=b,c",
                                           ";a@",         ";a=@",        ";a\x80",
                                           ";a=\x80",     ";a=\"\x01\"", ";a=\"\\\x01\"",
                                           ";a=\"\x7f\"", ";a\x01",      ",a",
                                           ":a",          " a",          "=a",
                                           "\"a\"",       ";\"a\"",      ";a=\"b\\\""}) {
    CAPTURE(extension);
    CHECK(with_extension(extension) == 400);
  }
  CHECK(with_extension(std::string_view(";a\0", 3)) == 400);
  CHECK(with_extension(std::string_view(";a=\"\0\"", 6)) == 400);
}

TEST_CASE("the extensions of all chunks together are limited") {
  constexpr std::size_t kMax = BodyDecoder::kMaxExtensionBytes;
  const std::string half = ";" + std::string(kMax / 2 - 1, 'a');
  CHECK(chunked("1" + half + "\r\nx\r\n1" + half + "\r\ny\r\n0\r\n\r\n") == 0);
  CHECK(chunked("1" + half + "\r\nx\r\n1" + half + "\r\ny\r\n0;a\r\n\r\n") == 413);
  CHECK(chunked("1;" + std::string(kMax, 'a')) == 413);
  CHECK(chunked("1" + std::string(kMax + 1, ' ')) == 413);
}

TEST_CASE("trailers are passed over") {
  CHECK(with_trailer("A: b\r\n") == 0);
  CHECK(with_trailer("A:\r\nB: c\td\r\nC: \x80\r\n") == 0);
  CHECK(with_trailer("Content-MD5: x\r\nContent-Lengths: 5\r\nX-Host: a\r\n") == 0);
  CHECK(body_of("2\r\nhi\r\n0\r\nA: b\r\n\r\n") == "hi");
}

TEST_CASE("a trailer is checked like a field of the header") {
  for (const std::string_view lines :
       {"A: b\n", "A: b\nC: d\r\n", "A: b\rC: d\r\n", "A: b\r\r\n", "A: b\r\n c\r\n",
        "A: b\r\n\tc\r\n", " A: b\r\n", "\tA: b\r\n", "A : b\r\n", "A\t: b\r\n", "A b: c\r\n",
        ": b\r\n", ":\r\n", "A\r\n", "A: \x01\r\n", "A: \x7f\r\n", "\x80: b\r\n", "A(: b\r\n",
        "\rA: b\r\n"}) {
    CAPTURE(lines);
    CHECK(with_trailer(lines) == 400);
  }
  CHECK(with_trailer(std::string_view("A: \0\r\n", 6)) == 400);
  CHECK(with_trailer(std::string_view("A\0: b\r\n", 7)) == 400);
}

TEST_CASE(
    "a trailer can't change where the request ends, where it goes, who asks, or what it means") {
  for (const std::string_view name : {"Content-Length",
                                      "content-length",
                                      "CONTENT-LENGTH",
                                      "Transfer-Encoding",
                                      "Host",
                                      "Trailer",
                                      "TE",
                                      "Connection",
                                      "Keep-Alive",
                                      "Upgrade",
                                      "Proxy-Connection",
                                      "HTTP2-Settings",
                                      "Expect",
                                      "Range",
                                      "If-Match",
                                      "If-None-Match",
                                      "If-Modified-Since",
                                      "If-Unmodified-Since",
                                      "If-Range",
                                      "Max-Forwards",
                                      "Cache-Control",
                                      "Pragma",
                                      "Authorization",
                                      "Proxy-Authorization",
                                      "Cookie",
                                      "Content-Type",
                                      "Content-Encoding",
                                      "Content-Range"}) {
    CAPTURE(name);
    CHECK(with_trailer(std::string(name) + ": 0\r\n") == 400);
    CHECK(with_trailer("A: b\r\n" + std::string(name) + ":\r\n") == 400);
  }
}

TEST_CASE("trailers are limited like a header") {
  const RequestLimits limits{.head = 300, .fields = 5};
  CHECK(with_trailer("A: " + std::string(293, 'b') + "\r\n", limits) == 0);
  CHECK(with_trailer("A: " + std::string(294, 'b') + "\r\n", limits) == 431);
  CHECK(with_trailer(std::string(400, 'A'), limits) == 431);
  CHECK(with_trailer("A:\r\nA:\r\nA:\r\nA:\r\nA:\r\n", limits) == 0);
  CHECK(with_trailer("A:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\n", limits) == 431);
}

TEST_CASE("a body whose length was given is that long") {
  const auto body = [](std::string_view length, std::string_view text) {
    return parse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::string(length) +
                 "\r\n\r\n" + std::string(text));
  };
  CHECK(body("5", "hello").requests.at(0).body == "hello");
  CHECK(body("5", "hello").idle);
  CHECK(body("5", "hell").requests.at(0).body == "hell");
  CHECK_FALSE(body("5", "hell").requests.at(0).complete);
  CHECK(body("2", "\r\n").requests.at(0).body == "\r\n");
  CHECK(body("2", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").requests.size() == 2);
  CHECK(body("5", "helloX").status == 0);
  CHECK(body("5", "hello\x01").status == 400);
}

}  // namespace simul::http
