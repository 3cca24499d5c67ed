#include <simul/config/load.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <simul/config/reference.hpp>

#include "protocols.hpp"

namespace {

using namespace simul;
using namespace simul::config;
using namespace std::chrono_literals;
using simul::config::testing::kProtocols;

Settings load_good(std::string_view text, std::string_view filename = "simul.yaml") {
  const LoadResult result = load(text, filename, kProtocols);
  if (!result) FAIL(render(result.error()));
  return *result;
}

constexpr std::string_view kSmallest =
    "listeners: [{name: echo, address: '127.0.0.1:7000', protocol: echo}]";

TEST_CASE("the default configuration loads, and serves echo and http") {
  const Settings settings = load_good(default_config());
  REQUIRE(settings.listeners.size() == 2);
  CHECK(settings.listeners[0].protocol == "echo");
  CHECK(settings.listeners[0].address.to_string() == "127.0.0.1:7000");
  CHECK(settings.listeners[1].protocol == "http");
  CHECK(settings.listeners[1].address.to_string() == "127.0.0.1:8080");
  const OptionMap& routes = settings.listeners[1].options.get_map("routes");
  REQUIRE(routes.size() == 2);
  CHECK(routes[1] == OptionMap::value_type("/hello", "Hello, world!\n"));
}

TEST_CASE("the default configuration says what the defaults are") {
  const Settings written = load_good(default_config());
  const Settings defaults = load_good(kSmallest);
  CHECK(written.server.threads == defaults.server.threads);
  CHECK(written.server.max_connections == defaults.server.max_connections);
  CHECK(written.server.shutdown_timeout == defaults.server.shutdown_timeout);
  CHECK(written.server.stall_threshold == defaults.server.stall_threshold);
  CHECK(written.listeners[0].idle_timeout == defaults.listeners[0].idle_timeout);
  CHECK(written.log.level == defaults.log.level);
  CHECK(written.log.format == defaults.log.format);
}

TEST_CASE("what isn't in the file is at its default") {
  const Settings settings = load_good(kSmallest);
  CHECK_FALSE(settings.server.threads.has_value());
  CHECK(settings.server.max_connections == 10'000);
  CHECK(settings.server.shutdown_timeout == 30s);
  CHECK(settings.server.stall_threshold == 100ms);
  CHECK(settings.log.level == config::LogLevel::info);
  CHECK(settings.log.format == config::LogFormat::text);
  REQUIRE(settings.listeners.size() == 1);
  const ListenerSettings& listener = settings.listeners[0];
  CHECK(listener.name == "echo");
  CHECK(listener.idle_timeout == 5min);
  CHECK_FALSE(listener.max_connections.has_value());
  CHECK(listener.backlog == 4096);
}

TEST_CASE("every key can be set") {
  const Settings settings = load_good(R"(
server:
  threads: 4
  max_connections: 100000
  shutdown_timeout: 1m30s
  stall_threshold: 0
listeners:
  - name: web-1_a
    address: "[::1]:8080"
    protocol: http
    idle_timeout: 0
    max_connections: 50
    backlog: 128
    options:
      root: ./public
      index: 'start.html'
      routes: {/b: one, /a: "two"}
      hosts: {example.org: ./site, "*.example.org": /srv/wild/../tame}
      record: ./record.txt
      types: [text/css, 'text/html']
      header_timeout: 250ms
      max_header_size: 64KiB
      keep_alive: false
      mode: fast
log: {level: warning, format: json}
)",
                                      "/etc/simul/simul.yaml");
  CHECK(settings.server.threads == 4);
  CHECK(settings.server.max_connections == 100'000);
  CHECK(settings.server.shutdown_timeout == 90s);
  CHECK(settings.server.stall_threshold == 0s);
  CHECK(settings.log.level == config::LogLevel::warning);
  CHECK(settings.log.format == config::LogFormat::json);
  REQUIRE(settings.listeners.size() == 1);
  const ListenerSettings& listener = settings.listeners[0];
  CHECK(listener.name == "web-1_a");
  CHECK(listener.address.to_string() == "[::1]:8080");
  CHECK(listener.idle_timeout == 0s);
  CHECK(listener.max_connections == 50);
  CHECK(listener.backlog == 128);
  CHECK(listener.options.get_string("root") == "/etc/simul/public");
  CHECK(listener.options.get_string("index") == "start.html");
  CHECK(listener.options.get_map("routes") == OptionMap{{"/b", "one"}, {"/a", "two"}});
  CHECK(listener.options.get_map("hosts") ==
        OptionMap{{"example.org", "/etc/simul/site"}, {"*.example.org", "/srv/tame"}});
  CHECK(listener.options.get_string("record") == "/etc/simul/record.txt");
  CHECK(listener.options.get_list("types") == std::vector<std::string>{"text/css", "text/html"});
  CHECK(listener.options.get_duration("header_timeout") == 250ms);
  CHECK(listener.options.get_size("max_header_size") == 65'536);
  CHECK_FALSE(listener.options.get_bool("keep_alive"));
  CHECK(listener.options.get_string("mode") == "fast");
}

TEST_CASE("a listener's TLS knows its files and where they are named") {
  const Settings settings = load_good(
      "listeners:\n"
      "- name: web\n"
      "  address: 127.0.0.1:443\n"
      "  protocol: http\n"
      "  tls:\n"
      "    certificate: certs/site.pem\n"
      "    key: /etc/site.key\n"
      "    client_ca: ca.pem\n"
      "    minimum_version: 1.3\n"
      "    sni:\n"
      "    - certificate: other.pem\n"
      "      ocsp: other.ocsp\n"
      "      names: [other.org, '*.other.org']\n"
      "  handshake_timeout: 3s\n"
      "  max_handshakes: 7\n",
      "/etc/simul/simul.yaml");
  const ListenerSettings& web = settings.listeners.at(0);
  REQUIRE(web.tls.has_value());
  const TlsSettings& tls = *web.tls;
  REQUIRE(tls.certificates.size() == 2);
  CHECK(tls.certificates[0].certificate.path == "/etc/simul/certs/site.pem");
  CHECK(tls.certificates[0].key.path == "/etc/site.key");
  CHECK(tls.certificates[0].key.place.line == 7);
  CHECK(tls.certificates[0].key.place.column == 10);
  CHECK(tls.certificates[0].names.empty());
  CHECK(tls.certificates[1].certificate.path == "/etc/simul/other.pem");
  CHECK(tls.certificates[1].key.path.empty());
  CHECK(tls.certificates[1].ocsp.path == "/etc/simul/other.ocsp");
  CHECK(tls.certificates[1].names == std::vector<std::string>{"other.org", "*.other.org"});
  CHECK(tls.client_ca.path == "/etc/simul/ca.pem");
  CHECK(tls.client_certificate == config::ClientCertificate::required);
  CHECK(tls.minimum_version == config::TlsVersion::tls_1_3);
  CHECK(web.handshake_timeout == 3s);
  CHECK(web.max_handshakes == 7);
}

TEST_CASE("ALPN is what the protocol is called unless the file says otherwise") {
  constexpr std::string_view kNames[] = {"spoken/2", "spoken/1"};
  const ProtocolSpec protocols[] = {{.name = "spoken", .alpn = kNames}};
  const auto alpn = [&](std::string_view tls) {
    const LoadResult result =
        load("listeners: [{name: a, address: '*:1', protocol: spoken, tls: {certificate: a" +
                 std::string(tls) + "}}]",
             "simul.yaml", protocols);
    REQUIRE(result);
    return result->listeners[0].tls->alpn;
  };
  CHECK(alpn("") == std::vector<std::string>{"spoken/2", "spoken/1"});
  CHECK(alpn(", alpn: [mine]") == std::vector<std::string>{"mine"});
  CHECK(alpn(", alpn: []").empty());
}

TEST_CASE("a listener without more says nothing before its protocol") {
  const ListenerSettings listener = load_good(kSmallest).listeners.at(0);
  CHECK_FALSE(listener.tls.has_value());
  CHECK(listener.proxy_protocol == config::ProxyProtocol::off);
  CHECK(listener.trusted_proxies.empty());
  CHECK(listener.handshake_timeout == 10s);
  CHECK(listener.max_handshakes == 1000);
}

TEST_CASE("PROXY headers are taken from networks; on a Unix socket, from whoever may open it") {
  const Settings settings = load_good(
      "listeners:\n"
      "- {name: a, address: '*:1', protocol: echo, proxy_protocol: required,"
      " trusted_proxies: [10.0.0.0/8, '::1']}\n"
      "- {name: b, address: 'unix:/b', protocol: echo, proxy_protocol: optional}\n");
  CHECK(settings.listeners[0].proxy_protocol == config::ProxyProtocol::required);
  REQUIRE(settings.listeners[0].trusted_proxies.size() == 2);
  CHECK(settings.listeners[0].trusted_proxies[0].to_string() == "10.0.0.0/8");
  CHECK(settings.listeners[1].proxy_protocol == config::ProxyProtocol::optional);
}

TEST_CASE("every log level has its name") {
  const std::vector<std::pair<std::string, config::LogLevel>> levels = {
      {"trace", config::LogLevel::trace},
      {"debug", config::LogLevel::debug},
      {"info", config::LogLevel::info},
      {"warning", config::LogLevel::warning},
      {"error", config::LogLevel::error}};
  for (const auto& [name, level] : levels) {
    CHECK(load_good(std::string(kSmallest) + "\nlog: {level: " + name + "}").log.level == level);
  }
}

TEST_CASE("a path's words stand for themselves, and one of them for no value") {
  const auto record = [](std::string_view value) {
    const std::string text =
        "listeners: [{name: w, address: '*:80', protocol: http, options: {record: " +
        std::string(value) + "}}]\n";
    return load_good(text, "/etc/simul.yaml").listeners[0].options;
  };
  CHECK(record("stdout").get_string("record") == "stdout");
  CHECK(record("./stdout").get_string("record") == "/etc/stdout");
  CHECK_FALSE(record("off").has("record"));
}

TEST_CASE("a path is relative to the folder of the file") {
  const auto root = [](std::string_view filename, std::string_view path) {
    const std::string text =
        "listeners: [{name: w, address: '*:80', protocol: http, options: {root: '" +
        std::string(path) + "'}}]";
    return load_good(text, filename).listeners[0].options.get_string("root");
  };
  CHECK(root("simul.yaml", "public") == "public");
  CHECK(root("conf/simul.yaml", "public") == "conf/public");
  CHECK(root("conf/simul.yaml", "../public") == "public");
  CHECK(root("/etc/simul.yaml", "/srv") == "/srv");
}

TEST_CASE("a section with nothing in it is at its defaults") {
  const Settings settings = load_good("server:\n  # threads: 4\nlog: ~\n" + std::string(kSmallest));
  CHECK(settings.server.max_connections == 10'000);
  load_good("listeners: [{name: e, address: '*:1', protocol: echo, options: }]");
}

TEST_CASE("strings may look like other types, quotes or not") {
  const Settings settings = load_good(
      "listeners: [{name: 007, address: '*:1', protocol: http, options: {index: true, types: "
      "[1]}}]");
  CHECK(settings.listeners[0].name == "007");
  CHECK(settings.listeners[0].options.get_string("index") == "true");
}

TEST_CASE("quoted sizes and durations are as good as plain ones") {
  CHECK(load_good("server: {shutdown_timeout: \"5s\"}\n" + std::string(kSmallest))
            .server.shutdown_timeout == 5s);
}

TEST_CASE("a byte order mark, CRLF, directives and document markers are fine") {
  load_good("\xEF\xBB\xBF" + std::string(kSmallest));
  load_good("server:\r\n  threads: 4\r\n" + std::string(kSmallest) + "\r\n");
  load_good("%YAML 1.2\n---\n" + std::string(kSmallest) + "\n...\n");
}

TEST_CASE("an alias stands for the value of its anchor") {
  const Settings settings = load_good(
      "server: {shutdown_timeout: &t 7s}\n"
      "listeners:\n"
      "- {name: a, address: '*:1', protocol: http, idle_timeout: *t, options: &o {index: x}}\n"
      "- {name: b, address: '*:2', protocol: http, options: *o}\n");
  CHECK(settings.listeners[0].idle_timeout == 7s);
  CHECK(settings.listeners[1].options.get_string("index") == "x");
}

TEST_CASE("listeners may share port 0, which is another port each time") {
  load_good(
      "listeners:\n- {name: a, address: '*:0', protocol: echo}\n"
      "- {name: b, address: '*:0', protocol: echo}\n");
}

TEST_CASE("a protocol's table that contradicts itself is misuse") {
  static constexpr OptionSpec kBad[] = {{.name = "x", .minimum = "1"}};
  static constexpr ProtocolSpec kBadProtocol[] = {{.name = "echo", .options = kBad}};
  CHECK_THROWS_AS(static_cast<void>(load(kSmallest, "simul.yaml", kBadProtocol)), std::logic_error);
}

}  // namespace
