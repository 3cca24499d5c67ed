#include <simul/load/target.hpp>

#include <string>
#include <utility>

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

TEST_CASE("over TLS the server has a name, as it was written") {
  const auto echo = Target::parse("tls://localhost:7443/");
  REQUIRE(echo);
  CHECK(echo->is_tls());
  CHECK(echo->kind == WorkKind::echo);
  CHECK(echo->endpoint.to_string() == "127.0.0.1:7443");
  CHECK(echo->server_name == "localhost");

  const auto web = Target::parse("https://[::1]:8443/a?b#c");
  REQUIRE(web);
  CHECK(web->is_tls());
  CHECK(web->kind == WorkKind::http);
  CHECK(web->server_name == "::1");
  CHECK(web->host == "[::1]:8443");
  CHECK(web->path == "/a?b");

  CHECK(Target::parse("https://127.0.0.1")->endpoint.port() == 443);
  CHECK(Target::parse("https://127.0.0.1")->host == "127.0.0.1");
  CHECK_FALSE(Target::parse("tcp://127.0.0.1:7000")->is_tls());
  CHECK_FALSE(Target::parse("http://127.0.0.1")->is_tls());
  CHECK_FALSE(Target::parse("unix:/run/echo.sock")->is_tls());
}

TEST_CASE("a bad URL is refused with what is wrong and what would be right") {
  CHECK(mentions(error_of("127.0.0.1:7000"), "there is no scheme"));
  CHECK(mentions(error_of("127.0.0.1:7000"), "tcp://host:port"));
  CHECK(mentions(error_of("ftp://127.0.0.1:21"), "'ftp' is not known"));
  CHECK(mentions(error_of("wss://127.0.0.1/"), "'wss' is not known"));
  CHECK(mentions(error_of("tcp://127.0.0.1"), "no port"));
  CHECK(mentions(error_of("tls://127.0.0.1"), "no port"));
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

TEST_CASE("what is for TLS is refused where it makes no sense, with the option's name") {
  const auto problem = [](const char* url, simul::TlsClientSettings tls) {
    return problem_with({.target = *Target::parse(url), .tls = std::move(tls)}).value_or("none");
  };
  CHECK(mentions(problem("tcp://127.0.0.1:7000", {.ca = "ca.pem"}), "--cacert is for tls://"));
  CHECK(mentions(problem("http://127.0.0.1", {.verify = false}), "--insecure is for tls://"));
  CHECK(mentions(problem("unix:/run/x", {.certificate = "me.pem"}), "--cert is for tls://"));
  CHECK(mentions(problem("tcp://127.0.0.1:7000", {.key = "me.key"}), "--key is for tls://"));
  CHECK(mentions(problem("http://127.0.0.1", {.resume = false}), "--no-sessionid is for tls://"));
  CHECK(mentions(problem("tls://127.0.0.1:7443", {.key = "me.key"}), "--cert FILE"));
  CHECK(mentions(problem("tls://127.0.0.1:7443", {.ca = "ca.pem", .verify = false}), "--cacert"));
  CHECK(problem("https://127.0.0.1",
                {.ca = "ca.pem", .certificate = "me.pem", .key = "me.key", .resume = false}) ==
        "none");
}

}  // namespace
