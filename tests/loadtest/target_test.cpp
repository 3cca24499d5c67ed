#include <simul/load/target.hpp>

#include <string>

#include <doctest/doctest.h>

#include <simul/load/options.hpp>

namespace {

using namespace simul::load;

std::string error_of(const std::string& url) {
  const auto target = Target::parse(url);
  return target ? "none" : target.error();
}

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("a tcp URL is an echo server") {
  for (const char* url : {"tcp://127.0.0.1:7000", "tcp://localhost:7000/"}) {
    const auto target = Target::parse(url);
    REQUIRE(target);
    CHECK(target->kind == WorkKind::echo);
    CHECK(target->url == url);
    CHECK(target->endpoint.to_string() == "127.0.0.1:7000");
  }
}

TEST_CASE("an IPv6 address and a Unix socket are targets") {
  CHECK(Target::parse("tcp://[::1]:7000")->endpoint.to_string() == "[::1]:7000");
  CHECK(Target::parse("http://[::1]/")->endpoint.to_string() == "[::1]:80");
  CHECK(Target::parse("unix:/run/echo.sock")->endpoint.path() == "/run/echo.sock");
}

TEST_CASE("an http URL has a host, a port, 80 by default, and a path") {
  const auto target = Target::parse("http://127.0.0.1:8080/a/b?c=d#e");
  REQUIRE(target);
  CHECK(target->kind == WorkKind::http);
  CHECK(target->endpoint.port() == 8080);
  CHECK(target->host == "127.0.0.1:8080");
  CHECK(target->path == "/a/b?c=d");

  CHECK(Target::parse("http://127.0.0.1")->path == "/");
  CHECK(Target::parse("http://127.0.0.1")->endpoint.port() == 80);
  CHECK(Target::parse("http://127.0.0.1?q=1")->path == "/?q=1");
}

TEST_CASE("a bad URL is refused with what is wrong and what would be right") {
  CHECK(mentions(error_of("127.0.0.1:7000"), "there is no scheme"));
  CHECK(mentions(error_of("127.0.0.1:7000"), "tcp://host:port"));
  CHECK(mentions(error_of("ftp://127.0.0.1:21"), "'ftp' is not known"));
  CHECK(mentions(error_of("https://127.0.0.1/"), "'https' is not known"));
  CHECK(mentions(error_of("tcp://127.0.0.1"), "no port"));
  CHECK(mentions(error_of("tcp://127.0.0.1:"), "no port"));
  CHECK(mentions(error_of("tcp://:7000"), "no host"));
  CHECK(mentions(error_of("tcp://127.0.0.1:70000"), "at most 65535"));
  CHECK(mentions(error_of("tcp://127.0.0.1:seven"), "not a number"));
  CHECK(mentions(error_of("tcp://127.0.0.1:0"), "port 0"));
  CHECK(mentions(error_of("tcp://127.0.0.300:1"), "not an IP address"));
  CHECK(mentions(error_of("tcp://no.such.host.invalid:1"), "can't be found"));
  CHECK(mentions(error_of("http://me:secret@127.0.0.1/"), "user names"));
  CHECK(mentions(error_of("http://127.0.0.1/a b"), "percent-encoded"));
  CHECK(mentions(error_of("http://127.0.0.1/a\r\nEvil: yes"), "percent-encoded"));
  CHECK(mentions(error_of("unix:"), "path"));
  CHECK(mentions(error_of(""), "no scheme"));
}

TEST_CASE("options that make no sense are refused") {
  Options options{.target = *Target::parse("tcp://127.0.0.1:7000")};
  CHECK_FALSE(problem_with(options));
  SUBCASE("no connection") { options.connections = 0; }
  SUBCASE("too many connections") { options.connections = kMaxConnections + 1; }
  SUBCASE("no depth") { options.depth = 0; }
  SUBCASE("empty messages") { options.size = 0; }
  SUBCASE("no messages") { options.messages = 0; }
  SUBCASE("no time") { options.duration = {}; }
  SUBCASE("no patience") { options.timeout = {}; }
  SUBCASE("no thread") { options.threads = 0; }
  SUBCASE("a source of another family") { options.sources = {*simul::Endpoint::parse("[::1]:0")}; }
  CHECK(problem_with(options));
}

}  // namespace
