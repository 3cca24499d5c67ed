// One test for each rule about heads that two servers could otherwise read differently. Each refusal takes a
// request that follows it along: see refuse().
#include <array>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "http/method.hpp"
#include "parsed.hpp"

namespace simul::http {
namespace {

using testing::Outcome;
using testing::parse;
using testing::Parsed;
using testing::refuse;

// With a request line, and a field Host.
int with_field(std::string_view field) {
  return refuse("GET / HTTP/1.1\r\nHost: a\r\n" + std::string(field) + "\r\n\r\n");
}

int with_host(std::string_view host) {
  return refuse("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n");
}

int with_line(std::string_view line) { return refuse(std::string(line) + "\r\nHost: a\r\n\r\n"); }

// The first of the requests in it, all of which must be whole.
Parsed first(std::string_view input) {
  const Outcome outcome = parse(input);
  REQUIRE(outcome.status == 0);
  REQUIRE(outcome.idle);
  REQUIRE_FALSE(outcome.requests.empty());
  return outcome.requests.front();
}

}  // namespace

// --- lines (RFC 9112, 2.2 and 5.2) -------------------------------------------------------------------

TEST_CASE("a folded line is refused, wherever it stands") {
  CHECK(with_field("A: b\r\n c") == 400);
  CHECK(with_field("A: b\r\n\tc") == 400);
  CHECK(with_field("A:\r\n b") == 400);
  CHECK(with_field("A: b\r\n ") == 400);
  CHECK(with_field("A: b\r\n \r\nC: d") == 400);
  CHECK(refuse("GET / HTTP/1.1\r\n Host: a\r\n\r\n") == 400);
  CHECK(refuse("GET / HTTP/1.1\r\nHost:\r\n a\r\n\r\n") == 400);
  CHECK(refuse("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n") ==
        400);
  CHECK(refuse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n 0\r\n\r\n") == 400);
}

TEST_CASE("a line that ends in LF alone is refused") {
  CHECK(refuse("GET / HTTP/1.1\nHost: a\r\n\r\n") == 400);
  CHECK(refuse("GET / HTTP/1.1\r\nHost: a\n\r\n") == 400);
  CHECK(refuse("GET / HTTP/1.1\r\nHost: a\nB: c\r\n\r\n") == 400);
  CHECK(refuse("GET / HTTP/1.1\r\nHost: a\r\n\n") == 400);
  CHECK(refuse("GET / HTTP/1.1\r\nHost: a\n\n") == 400);
  CHECK(refuse("GET / HTTP/1.1\n\nHost: a\r\n\r\n") == 400);
  CHECK(refuse("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(refuse("\r\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
}

TEST_CASE("a CR that ends no line is refused") {
  CHECK(refuse("GET / HTTP/1.1\rHost: a\r\n\r\n") == 400);
  CHECK(refuse("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n") == 400);
  CHECK(refuse("GET /\rx HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(refuse("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(with_field("A: b\rC: d") == 400);
  CHECK(with_field("A: b\r") == 400);
  CHECK(with_field("A\r: b") == 400);
  CHECK(with_field("\rA: b") == 400);
  CHECK(with_field("\r") == 400);
  CHECK(refuse("GET / HTTP/1.1\r\nHost: a\r\n\rA: b\r\n\r\n") == 400);
}

TEST_CASE("a few empty lines before a request are passed over, a flood of them is refused") {
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  std::string lines;
  for (std::size_t count = 0; count <= RequestParser::kMaxEmptyLines; ++count) {
    CHECK(refuse(lines + request) == 0);
    CHECK(refuse(request + lines + request) == 0);
    lines += "\r\n";
  }
  CHECK(refuse(lines + request) == 400);
  CHECK(parse(request + lines + request).requests.size() == 1);
  CHECK(parse(lines).status == 400);
}

TEST_CASE("what isn't HTTP is refused at its first byte, or its first line") {
  CHECK(parse("\x16").status == 400);                // TLS
  CHECK(parse("\r\n\r\n\0\r\nQUIT\n").status == 0);  // not yet, for it is cut at the NUL
  CHECK(parse(std::string_view("\r\n\r\n\0", 5)).status == 400);     // PROXY protocol, version 2
  CHECK(parse("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n").status == 400);  // version 1
  CHECK(parse("SSH-2.0-OpenSSH_9.2\r\n").status == 400);
  CHECK(parse(std::string_view("\0", 1)).status == 400);
  CHECK(parse("\x80").status == 400);
  CHECK(parse(" ").status == 400);
  CHECK(parse("{").status == 400);
}

// --- names and values (RFC 9110, 5.1 and 5.5; RFC 9112, 5.1) -----------------------------------------

TEST_CASE("a field without a name is refused") {
  CHECK(with_field(": b") == 400);
  CHECK(with_field(":") == 400);
  CHECK(with_field("b") == 400);
}

TEST_CASE("blanks before the colon and inside of names are refused") {
  CHECK(with_field("A : b") == 400);
  CHECK(with_field("A\t: b") == 400);
  CHECK(with_field("A b: c") == 400);
  CHECK(with_field("Content-Length : 0") == 400);
  CHECK(with_field("Transfer-Encoding : chunked") == 400);
  CHECK(refuse("GET / HTTP/1.1\r\nHost : a\r\n\r\n") == 400);
}

TEST_CASE("a name is a token") {
  CHECK(with_field("!#$%&'*+-.^_`|~09azAZ: b") == 0);
  for (const char c : std::string_view("\"(),/;<=>?@[\\]{}\x7f\x80\xff\x01")) {
    CHECK(with_field("A" + std::string(1, c) + ": b") == 400);
    CHECK(with_field(std::string(1, c) + "A: b") == 400);
  }
  CHECK(with_field(std::string_view("A\0: b", 5)) == 400);
}

TEST_CASE("a value has no control characters but the tab, and may have bytes that are not ASCII") {
  for (int c = 0; c < 0x100; ++c) {
    const bool allowed = (c >= 0x20 && c != 0x7f) || c == '\t';
    const std::string byte(1, static_cast<char>(c));
    CHECK(with_field("A: b" + byte + "c") == (allowed ? 0 : 400));
    CHECK(with_field("A: " + byte) == (allowed ? 0 : 400));
    CHECK(with_field("A: a longer value, with " + byte + " in the middle") == (allowed ? 0 : 400));
    CHECK(with_field("A: a longer value, that has it at its end" + byte) == (allowed ? 0 : 400));
  }
}

TEST_CASE("blanks and tabs around a value don't belong to it") {
  const auto value = [](std::string_view field) {
    const Parsed request = first("GET / HTTP/1.1\r\nHost: a\r\n" + std::string(field) + "\r\n\r\n");
    return std::string(HeaderFields(request.fields).find("x").value_or("none"));
  };
  CHECK(value("X:a") == "a");
  CHECK(value("X: \t a\tb \t") == "a\tb");
  CHECK(value("X:") == "");
  CHECK(value("X: \t ") == "");
}

// --- the request line (RFC 9112, 3) ------------------------------------------------------------------

TEST_CASE("there is one blank each between the parts of a request line") {
  CHECK(with_line("GET  / HTTP/1.1") == 400);
  CHECK(with_line("GET /  HTTP/1.1") == 400);
  CHECK(with_line("GET / HTTP/1.1 ") == 400);
  CHECK(with_line(" GET / HTTP/1.1") == 400);
  CHECK(with_line("GET\t/ HTTP/1.1") == 400);
  CHECK(with_line("GET /\tHTTP/1.1") == 400);
  CHECK(with_line("GET / HTTP/1.1\t") == 400);
  CHECK(with_line("GET \t/ HTTP/1.1") == 400);
  CHECK(with_line("GET\x0b/\x0cHTTP/1.1") == 400);
  CHECK(with_line("GET / x HTTP/1.1") == 400);
  CHECK(with_line("GET/ HTTP/1.1") == 400);
  CHECK(with_line("GET /") == 400);
  CHECK(with_line("GET") == 400);
}

TEST_CASE("a version that isn't 1.0 or 1.1 is refused with 505, what is no version with 400") {
  CHECK(with_line("GET / HTTP/1.0") == 0);
  CHECK(with_line("GET / HTTP/1.1") == 0);
  for (const std::string_view version : {"0.9", "1.2", "1.9", "2.0", "3.0", "9.9", "0.0", "0.1"}) {
    CHECK(with_line("GET / HTTP/" + std::string(version)) == 505);
  }
  for (const std::string_view version :
       {"http/1.1", "Http/1.1", "HTTP/1", "HTTP/1.", "HTTP/1.10", "HTTP/01.1", "HTTP/.1",
        "HTTP/1,1", "HTTP/1.1x", "HTTP/a.1", "HTTP/1.a", "HTTP1.1", "HTTPS/1.1", "ICY/1.1",
        "RTSP/1.0", "HTTP/-1.1", "HTTP/+1.1", "HTTP\\1.1", "HTTP/1.1\x80"}) {
    CAPTURE(version);
    CHECK(with_line("GET / " + std::string(version)) == 400);
  }
}

TEST_CASE("every method of HTTP is taken, those of other protocols are refused with 501") {
  for (const std::string_view method : kMethods) {
    CAPTURE(method);
    CHECK(first(std::string(method) + " / HTTP/1.1\r\nHost: a\r\n\r\n").method == method);
  }
  for (const std::string_view method :
       {"DESCRIBE",      "ANNOUNCE", "SETUP",  "PLAY",  "PAUSE",  "TEARDOWN", "GET_PARAMETER",
        "SET_PARAMETER", "REDIRECT", "RECORD", "FLUSH", "SOURCE", "PRI",      "CONNECT",
        "BREW",          "get",      "Get",    "GETX",  "GE",     "X"}) {
    CAPTURE(method);
    CHECK(with_line(std::string(method) + " / HTTP/1.1") == 501);
  }
  CHECK(with_line("OPTIONS / RTSP/1.0") == 400);
  CHECK(with_line("PRI * HTTP/2.0") == 505);
  CHECK(with_line("G@T / HTTP/1.1") == 400);
  CHECK(with_line("G\x80T / HTTP/1.1") == 400);
}

TEST_CASE("QUERY has a body like POST") {
  CHECK(first("QUERY / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi").body == "hi");
  CHECK(
      refuse(
          "QUERY / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n") ==
      0);
  CHECK(refuse("QUERY / HTTP/1.1\r\nHost: a\r\nA\r\n\r\n") == 400);
}

TEST_CASE("a tunnel is refused") {
  CHECK(with_line("CONNECT a:80 HTTP/1.1") == 501);
  CHECK(with_line("CONNECT / HTTP/1.1") == 501);
}

TEST_CASE("a host without a scheme is no target but of CONNECT") {
  CHECK(with_line("GET a:80 HTTP/1.1") == 400);
  CHECK(with_line("GET a HTTP/1.1") == 400);
  CHECK(with_line("GET //a/b HTTP/1.1") == 0);  // a path that begins with an empty segment
  CHECK(first("GET //a/b HTTP/1.1\r\nHost: c\r\n\r\n").path == "//a/b");
}

TEST_CASE(
    "a target holds neither fragments, nor control characters, nor bytes that are not ASCII") {
  for (int c = 1; c < 0x100; ++c) {
    const bool allowed = c > 0x20 && c < 0x7f && c != '#';
    const std::string byte(1, static_cast<char>(c));
    CAPTURE(c);
    CHECK(with_line("GET /a" + byte + "b HTTP/1.1") == (allowed ? 0 : 400));
    CHECK(with_line("GET /?" + byte + " HTTP/1.1") == (allowed ? 0 : 400));
  }
  CHECK(refuse(std::string_view("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 28)) == 400);
  CHECK(with_line("GET /%zz%0 HTTP/1.1") == 0);  // who decodes it refuses it
}

TEST_CASE("an asterisk is a target of OPTIONS alone") {
  CHECK(with_line("OPTIONS * HTTP/1.1") == 0);
  CHECK(first("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").path.empty());
  CHECK(with_line("GET * HTTP/1.1") == 400);
  CHECK(with_line("POST * HTTP/1.1") == 400);
  CHECK(with_line("QUERY * HTTP/1.1") == 400);
  CHECK(with_line("OPTIONS ** HTTP/1.1") == 400);
  CHECK(with_line("OPTIONS */ HTTP/1.1") == 400);
}

TEST_CASE("an absolute target has http or https and a host as the field Host would have it") {
  CHECK(with_line("GET http://b HTTP/1.1") == 0);
  CHECK(with_line("GET HTTPS://b:1/x?y HTTP/1.1") == 0);
  CHECK(with_line("GET http://[::1]:80/ HTTP/1.1") == 0);
  for (const std::string_view target :
       {"http:///x",     "http://",      "http://?x",       "http://:80/", "http://u@b/",
        "http://u:p@b/", "http://b:x/",  "http://b:65536/", "http://a,b/", "http://[::1/",
        "http://[x]/",   "http://b%41/", "http:/b/",        "http:b",      "ftp://b/",
        "file:///x",     "://b/",        "javascript:x",    "x/y",         "?x",
        "http",          "\\\\b\\c"}) {
    CAPTURE(target);
    CHECK(with_line("GET " + std::string(target) + " HTTP/1.1") == 400);
  }
}

// --- Host (RFC 9110, 7.2; RFC 9112, 3.2) -------------------------------------------------------------

TEST_CASE("HTTP/1.1 needs a field Host, HTTP/1.0 doesn't") {
  CHECK(refuse("GET / HTTP/1.1\r\n\r\n") == 400);
  CHECK(refuse("GET / HTTP/1.1\r\nHosts: a\r\n\r\n") == 400);
  CHECK(refuse("GET http://a/ HTTP/1.1\r\n\r\n") == 400);
  CHECK(refuse("GET / HTTP/1.0\r\n\r\n") == 0);
}

TEST_CASE("a second Host is refused, also if it is the same") {
  CHECK(with_field("Host: a") == 400);
  CHECK(with_field("hOST: b") == 400);
  CHECK(with_field("Host:") == 400);
  CHECK(refuse("GET / HTTP/1.1\r\nHost:\r\nHost: a\r\n\r\n") == 400);
  CHECK(refuse("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n") == 400);
  CHECK(refuse("GET http://b/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n") == 400);
}

TEST_CASE("an empty Host means the default host") {
  CHECK(first("GET / HTTP/1.1\r\nHost:\r\n\r\n").host.empty());
  CHECK(first("GET / HTTP/1.1\r\nHost: \t\r\n\r\n").host.empty());
  CHECK(first("GET http://b/ HTTP/1.1\r\nHost:\r\n\r\n").host == "b");
}

TEST_CASE("Host is a name or an address, with a port or without") {
  for (const std::string_view host :
       {"a", "example.org", "EXAMPLE.org.", "a_b-c.d", "127.0.0.1", "a:80", "a:", "a:0", "a:65535",
        "a:00080", "[::1]", "[::1]:80", "[::1]:", "[1:2:3:4:5:6:7:8]", "[::ffff:1.2.3.4]",
        "[2001:DB8::1]"}) {
    CAPTURE(host);
    CHECK(with_host(host) == 0);
  }
  for (const std::string_view host :
       {"a,b",        "a, b",
        "a b",        "a\tb",
        "u@a",        "u:p@a",
        "a/b",        "/",
        "http://a",   "a?b",
        "a#b",        "a\\b",
        "a:x",        "a:80x",
        "a:-1",       "a:+1",
        "a:65536",    "a:99999",
        "a:000080",   "a:80:80",
        "a: 80",      ":80",
        ":",          "a;b",
        "a'b",        "a\"b",
        "a%41",       "<a>",
        "a|b",        "a\x80",
        "*",          "[::1",
        "::1",        "::1]",
        "[]",         "[::1]x",
        "[::1]80",    "[::1]]",
        "[[::1]]",    "[1:2:3]",
        "[::1%eth0]", "[::1%25eth0]",
        "[v1.x]",     "[1.2.3.4]",
        "[::12345]",  "[1::2::3]",
        "[::1]:x",    "[0000000000000000000000000000000000000000000000000000000000001::]"}) {
    CAPTURE(host);
    CHECK(with_host(host) == 400);
    CHECK(refuse("GET / HTTP/1.0\r\nHost: " + std::string(host) + "\r\n\r\n") == 400);
    CHECK(refuse("GET http://b/ HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n") == 400);
  }
  CHECK(with_host(std::string_view("a\0b", 3)) == 400);
  CHECK(with_host(std::string_view("[::1\0]", 6)) == 400);
}

// --- where the body ends (RFC 9112, 6) ---------------------------------------------------------------

TEST_CASE("Content-Length is a number, and nothing else") {
  const auto length = [](std::string_view value) {
    return refuse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:" + std::string(value) +
                  "\r\n\r\n");
  };
  CHECK(length("0") == 0);
  CHECK(length(" 00") == 0);
  CHECK(length(" 00000000000000000000") == 0);
  for (const std::string_view value : {"",
                                       " ",
                                       " +0",
                                       " -0",
                                       " -1",
                                       " 0x0",
                                       " 0 0",
                                       " 0,0",
                                       " 0, 0",
                                       " ,0",
                                       " 0,",
                                       " 0.0",
                                       " 1e0",
                                       " \"0\"",
                                       " 0;",
                                       " 0_",
                                       " a",
                                       " 0\x0b",
                                       " \xC2\xA0"
                                       "0",
                                       " 000000000000000000000",
                                       " 18446744073709551616",
                                       " 99999999999999999999",
                                       " 100000000000000000000",
                                       " 36893488147419103232"}) {
    CAPTURE(value);
    CHECK(length(value) == 400);
  }
  CHECK(length(" 1048577") == 413);
  CHECK(length(" 18446744073709551615") == 413);
}

TEST_CASE("blanks and tabs around Content-Length and Transfer-Encoding are legal") {
  for (const std::string_view value : {"2", " 2", "\t2", "2\t", " \t 2 \t ", "  2  "}) {
    CAPTURE(value);
    const std::string input =
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:" + std::string(value) + "\r\nB: c\r\n\r\nhi";
    CHECK(first(input).body == "hi");
    CHECK(refuse(input) == 0);
  }
  for (const std::string_view value : {"chunked", "\tchunked", "chunked\t", " \t chunked \t "}) {
    CAPTURE(value);
    const std::string input =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:" + std::string(value) +
        "\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    CHECK(first(input).body == "hi");
    CHECK(refuse(input) == 0);
  }
  CHECK(with_field("Content-Length:\t1\t1") == 400);
  CHECK(with_field("Content-Length: 0\t\r\nA : b") == 400);
}

TEST_CASE("a second Content-Length is refused, also if it is the same") {
  CHECK(with_field("Content-Length: 0\r\nContent-Length: 0") == 400);
  CHECK(with_field("Content-Length: 0\r\ncontent-length: 5") == 400);
  CHECK(with_field("Content-Length: 5\r\nA: b\r\nContent-Length: 0") == 400);
}

TEST_CASE("Content-Length and Transfer-Encoding don't go together") {
  CHECK(with_field("Content-Length: 0\r\nTransfer-Encoding: chunked") == 400);
  CHECK(with_field("Transfer-Encoding: chunked\r\nContent-Length: 0") == 400);
  CHECK(with_field("Transfer-Encoding: chunked\r\nContent-Length: 5") == 400);
}

TEST_CASE("HTTP/1.0 has no Transfer-Encoding") {
  CHECK(refuse("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == 400);
  CHECK(refuse("POST / HTTP/1.0\r\nTransfer-Encoding: gzip\r\n\r\n") == 400);
}

TEST_CASE("the one coding is chunked: another is refused with 501, what is ambiguous with 400") {
  const auto coding = [](std::string_view value) {
    return refuse("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: " + std::string(value) +
                  "\r\n\r\n0\r\n\r\n");
  };
  CHECK(coding("chunked") == 0);
  CHECK(coding("CHunKed") == 0);
  for (const std::string_view value :
       {"gzip", "gzip, chunked", "xchunked", "chunkedx", "x, y, chunked", "gzip;q=1"}) {
    CAPTURE(value);
    CHECK(coding(value) == 501);
  }
  for (const std::string_view value : {"",
                                       " ",
                                       ",",
                                       "chunked, chunked",
                                       "chunked,chunked",
                                       "chunked, gzip",
                                       "gzip, chunked, chunked",
                                       "identity",
                                       "identity, chunked",
                                       "chunked, identity",
                                       "IDENTITY",
                                       ", chunked",
                                       "chunked,",
                                       "chunked, ",
                                       ",chunked",
                                       "\"chunked\"",
                                       "chunked;q=1",
                                       "chunked;",
                                       "chunked x",
                                       "chun ked",
                                       "gzip chunked",
                                       "chunked\x0b",
                                       "\x0b"
                                       "chunked",
                                       "chunked\x80",
                                       "gzip chunked, chunked",
                                       "gzip,, chunked"}) {
    CAPTURE(value);
    CHECK(coding(value) == 400);
  }
}

TEST_CASE("a second Transfer-Encoding is refused") {
  CHECK(with_field("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked") == 400);
  CHECK(with_field("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity") == 400);
  CHECK(with_field("Transfer-Encoding: chunked\r\nTransfer-Encoding:") == 400);
  CHECK(with_field("Transfer-Encoding:\r\nTransfer-Encoding: chunked") == 400);
}

TEST_CASE("a method that usually has no body may have one") {
  for (const std::string_view method : {"GET", "HEAD", "DELETE", "OPTIONS", "TRACE"}) {
    CHECK(
        first(std::string(method) + " / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi").body ==
        "hi");
  }
}

// --- the connection (RFC 9112, 9.3) ------------------------------------------------------------------

TEST_CASE("the options of all fields Connection decide whether the connection stays") {
  const auto keeps = [](std::string_view version, std::string_view fields) {
    return first("GET / HTTP/" + std::string(version) + "\r\nHost: a\r\n" + std::string(fields) +
                 "\r\n")
        .keep_alive;
  };
  CHECK(keeps("1.1", ""));
  CHECK(keeps("1.1", "Connection: keep-alive\r\n"));
  for (const std::string_view fields :
       {"Connection: close\r\n", "Connection: CLOSE\r\n", "connection:close\r\n",
        "Connection: close\t\r\n", "Connection:\tclose\r\n", "Connection: x, close\r\n",
        "Connection: close, x\r\n", "Connection: ,,close ,\r\n", "Connection: x\t,\tclose\t,y\r\n",
        "Connection: x\r\nConnection: close\r\n", "Connection: close\r\nConnection: x\r\n",
        "Connection: keep-alive, close\r\n", "Connection: close, keep-alive\r\n",
        "Connection: close\r\nConnection: keep-alive\r\n"}) {
    CAPTURE(fields);
    CHECK_FALSE(keeps("1.1", fields));
    CHECK_FALSE(keeps("1.0", fields));
  }
  for (const std::string_view fields :
       {"Connection: closed\r\n", "Connection: clos\r\n", "Connection: close;q=1\r\n",
        "Connection: close x\r\n", "Connection: \"close\"\r\n", "Connection:\r\n",
        "Proxy-Connection: close\r\n", "X-Connection: close\r\n"}) {
    CAPTURE(fields);
    CHECK(keeps("1.1", fields));
    CHECK_FALSE(keeps("1.0", fields));
  }
  CHECK(keeps("1.0", "Connection: keep-alive\r\n"));
  CHECK(keeps("1.0", "Connection: Keep-Alive\t\r\n"));
  CHECK(keeps("1.0", "Connection: x\r\nConnection: y, keep-alive\r\n"));
  CHECK_FALSE(keeps("1.0", "Connection: keep-alive;x\r\n"));
  CHECK_FALSE(keeps("1.0", "Keep-Alive: timeout=5\r\n"));
}

TEST_CASE("an upgrade that nobody takes leaves the connection in step") {
  for (const std::string_view fields :
       {"Upgrade: websocket\r\nConnection: upgrade\r\n", "Connection: upgrade\r\nUpgrade: h2c\r\n",
        "Upgrade: x\r\n",
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
        "AAMAAABkAAQAAP__\r\n",
        "Connection: upgrade, close\r\nUpgrade: h2c\r\n", "Proxy-Connection: keep-alive\r\n"}) {
    CAPTURE(fields);
    for (const std::string_view body : {"\r\n", "Content-Length: 2\r\n\r\nhi",
                                        "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"}) {
      const std::string input =
          "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + std::string(body);
      CHECK(refuse(input) == 0);
      CHECK(parse(input + input).requests.size() == 2);
      CHECK(first(input).body == (body.size() > 2 ? "hi" : ""));
    }
  }
}

TEST_CASE("an expectation that isn't 100-continue is refused with 417") {
  CHECK(with_field("Expect: 100-continue") == 0);
  CHECK(with_field("Expect: 100-CONTINUE\t") == 0);
  for (const std::string_view value :
       {"", "x", "100", "100-continue, x", "100-continue;x", "200-ok"}) {
    CAPTURE(value);
    CHECK(with_field("Expect: " + std::string(value)) == 417);
  }
  CHECK(refuse("GET / HTTP/1.0\r\nExpect: x\r\n\r\n") == 0);
}

// --- limits ------------------------------------------------------------------------------------------

TEST_CASE("a head that is too long is refused before it has come to its end") {
  const RequestLimits limits{.target = 50, .head = 200, .fields = 5};
  CHECK(parse("GET /" + std::string(109, 'a'), limits).status == 0);
  CHECK(parse("GET /" + std::string(110, 'a'), limits).status == 414);
  CHECK(parse(std::string(115, 'G'), limits).status == 414);
  const std::string start = "GET / HTTP/1.1\r\n";
  CHECK(parse(start + std::string(184, 'a'), limits).status == 0);
  CHECK(parse(start + std::string(185, 'a'), limits).status == 431);
  CHECK(parse(start + "A:\r\nA:\r\nA:\r\nA:\r\nA:\r\n", limits).status == 0);
  CHECK(parse(start + "A:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\n", limits).status == 431);
  CHECK(refuse("GET /" + std::string(49, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", limits) == 0);
  CHECK(refuse("GET /" + std::string(50, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", limits) == 414);
  CHECK(refuse("GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(300, 'b') + "\r\n\r\n", limits) ==
        431);
}

}  // namespace simul::http
