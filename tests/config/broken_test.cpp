// Configurations with mistakes, each with the exact place and cause that must be reported. A ‸
// stands before the character that must be blamed; it isn't part of the text. All that is wrong
// must be found, so there are as many causes as ‸, in the order of the file.
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <simul/config/load.hpp>

#include "protocols.hpp"

namespace {

using namespace simul::config;

struct Broken {
  std::string text;
  std::vector<std::string> causes;
};

struct Place {
  std::size_t line;
  std::size_t column;
  bool operator==(const Place&) const = default;
};

constexpr std::string_view kMarker = "\xE2\x80\xB8";  // ‸

/// Takes the markers out of the text. Columns count characters, not bytes.
std::vector<Place> take_markers(std::string& text) {
  std::vector<Place> places;
  Place here{1, 1};
  std::string clean;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (std::string_view(text).substr(i).starts_with(kMarker)) {
      places.push_back(here);
      i += kMarker.size() - 1;
      continue;
    }
    clean += text[i];
    if (text[i] == '\n') {
      here = {here.line + 1, 1};
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) {
      ++here.column;
    }
  }
  text = std::move(clean);
  return places;
}

void check(Broken broken) {
  const std::vector<Place> places = take_markers(broken.text);
  CAPTURE(broken.text);
  REQUIRE(places.size() == broken.causes.size());
  const LoadResult result = load(broken.text, "test.yaml", testing::kProtocols);
  REQUIRE_FALSE(result.has_value());
  CAPTURE(render(result.error()));
  CHECK(result.error().size() == places.size());
  for (std::size_t i = 0; i < std::min(places.size(), result.error().size()); ++i) {
    const Diagnostic& diagnostic = result.error()[i];
    CHECK(diagnostic.file == "test.yaml");
    CHECK(diagnostic.line == places[i].line);
    CHECK(diagnostic.column == places[i].column);
    CHECK(diagnostic.message == broken.causes[i]);
  }
}

void check_all(const std::vector<Broken>& all) {
  for (const Broken& broken : all)
    check(broken);
}

/// A file that is right but for `server`.
Broken server(std::string_view server, std::vector<std::string> causes) {
  return {std::string(server) +
              "\nlisteners: [{name: echo, address: '127.0.0.1:7000', protocol: echo}]\n",
          std::move(causes)};
}

/// A file that is right but for one listener's keys.
Broken listener(std::string_view keys, std::vector<std::string> causes) {
  return {"listeners:\n- {" + std::string(keys) + "}\n", std::move(causes)};
}

/// A file that is right but for the options of an http listener.
Broken http(std::string_view options, std::vector<std::string> causes) {
  return listener(
      "name: web, address: '127.0.0.1:80', protocol: http, options: " + std::string(options),
      std::move(causes));
}

TEST_CASE("a file that isn't text is refused at its first wrong byte") {
  check_all({
      {"server:\n  threads: ‸\xFF", {"byte 0xFF is not valid UTF-8"}},
      {"a: ‸\xC0\xAF", {"byte 0xC0 is not valid UTF-8"}},          // overlong
      {"a: ‸\xED\xA0\x80", {"byte 0xED is not valid UTF-8"}},      // a surrogate
      {"a: é‸\xE2\x82", {"byte 0xE2 is not valid UTF-8"}},         // cut off
      {"a: ‸\xF4\x90\x80\x80", {"byte 0xF4 is not valid UTF-8"}},  // above U+10FFFF
      {std::string("a: ‸") + '\0', {"control character U+0000"}},
      {"a: ‸\x04", {"control character U+0004"}},
      {"a: \"‸\x1b[2J\"", {"control character U+001B"}},
      {"a: b ‸\x7f", {"control character U+007F"}},
      {"a: b ‸\xC2\x85", {"control character U+0085"}},
      {"a: b‸\rc: d", {"a carriage return without a line feed"}},
      {"a: ‸\xEF\xBB\xBFx", {"a byte order mark inside the file"}},
      {"‸\xFF\xFEs\0e\0", {"byte 0xFF is not valid UTF-8"}},  // UTF-16
  });
}

TEST_CASE("a file without content is refused") {
  check_all({
      {"‸", {"the file is empty"}},
      {"‸# only a comment\n", {"the file is empty"}},
      {"‸---\n", {"the file is empty"}},
      {"‸~\n", {"the file is empty"}},
  });
}

TEST_CASE("a file that isn't a map is refused") {
  check_all({
      {"‸hello\n", {"the file must be a map, not a single value"}},
      {"‸- server\n", {"the file must be a map, not a list"}},
      {"‸server:{}\n", {"the file must be a map, not a single value"}},
      {"‸{}\n", {"missing key 'listeners' in the file"}},
  });
}

TEST_CASE("an unclosed quote is found where it opens") {
  const std::vector<std::string> never = {"this quote is never closed"};
  check_all({
      {"‸\"", never},
      {"‸'", never},
      {"a: ‸\"b", never},
      {"a: ‸\"b\n", never},
      {"a: ‸'b\n\n\n", never},
      {"a: ‸'b''", never},
      {"a: ‸\"b\\\"", never},
      {"a: ‸\"b\\", never},
      {"a: ‸\"b\\\n", never},
      {"a: [x, ‸\"b]\nc: d\n", never},
      {"a: {x: ‸'b}\nc: d\n", never},
      {"- a\n- ‸'", never},
      {"‸'a: b\nc: d\n", never},
      {"a: &anchor ‸\"b\n", never},
      {"a: &anchor\n  # it's a comment\n  ‸\"b\n", never},
      {"a: 'it''s'\nb: \"\\\"\"\nc: ‸'it''s\n", never},
      {"a: |\n  it's \"text\nb: ‸'x\n", never},
      {"a: it's # it's\nb: ‸\"it's\n", never},
      {"a: 'b'\r\nc: ‸'d\r\n", never},
      {"a: \"é\"\nñ: ‸\"é", never},
  });
}

TEST_CASE("a quote closed by the next one's opening is blamed, not what follows") {
  check_all({
      {"listeners:\n- name: ‸\"echo\n  address: 127.0.0.1:7000\n  protocol: \"echo\"\n",
       {"this quote is closed only on line 4, and what follows it makes no sense: is a quote "
        "missing?"}},
      {"server:\n  threads: ‸'4\n  max_connections: '5'\n  shutdown_timeout: 1s\n",
       {"this quote is closed only on line 3, and what follows it makes no sense: is a quote "
        "missing?"}},
      {"server: \"abc\n‸---\n", {"a document marker within quotes: a closing quote is missing"}},
  });
}

TEST_CASE("a second document is refused") {
  const std::string ok = "listeners: [{name: e, address: '*:1', protocol: echo}]\n";
  check_all({
      {ok + "‸---\nserver: {}\n", {"a second document begins here"}},
      {ok + "‸---\n", {"a second document begins here"}},
      {"---\n" + ok + "‸--- # nothing\n", {"a second document begins here"}},
      {ok + "...\n‸server: {}\n", {"text after the end of the document"}},
      {"\"a\" ‸b\n", {"text after the end of the document"}},
  });
}

TEST_CASE("tags are refused") {
  check_all({
      server("server: ‸!foo {}", {"the tag '!foo' is not supported"}),
      server("server: {threads: ‸!!int 4}", {"the tag '!!int' is not supported"}),
      server("server: {threads: &a ‸!!str 4}", {"the tag '!!str' is not supported"}),
      server("server: {threads: ‸! 4}", {"the tag '!' is not supported"}),
      server("server: {threads: ‸!<tag:yaml.org,2002:int> 4}",
             {"the tag '!<tag:yaml.org' is not supported"}),
      {"‸!!python/object/apply:os.system [ls]\n",
       {"the tag '!!python/object/apply:os.system' is not supported"}},
      {"listeners: ‸!!seq []\n", {"the tag '!!seq' is not supported"}},
      http("{‸!x root: a}", {"the tag '!x' is not supported"}),
  });
}

TEST_CASE("a key that stands twice is refused") {
  check_all({
      server("server: {}\n‸server: {threads: 4}", {"the key 'server' is already on line 1"}),
      server("server:\n  threads: 4\n  ‸'threads': 5", {"the key 'threads' is already on line 2"}),
      http("{root: a, ‸root: b}", {"the key 'root' is already on line 2"}),
      http("{routes: {/: a, ‸/: b, ‸\"/\": c}}",
           {"the key '/' is already on line 2", "the key '/' is already on line 2"}),
  });
}

TEST_CASE("keys that aren't text, and merge keys, are refused") {
  check_all({
      server("? ‸[a, b]\n: c", {"a key must be text"}),
      server("? ‸{a: b}\n: c", {"a key must be text"}),
      server("server: &a {}\n‸*a : b", {"a key must be text"}),
      listener("name: e, address: '*:1', protocol: echo, ‸<<: {backlog: 1}",
               {"merge keys are not supported"}),
  });
}

TEST_CASE("wrong indentation is refused at its line") {
  const std::string tab = "a tab can't indent YAML";
  check_all({
      {"server:\n‸\tthreads: 4\n", {tab}},
      {"server:\n  ‸\tthreads: 4\n", {tab}},
      {"server:\n  threads: 4\n‸\tmax_connections: 5\n", {tab}},
      {"‸\tserver: {}\n", {tab}},
      {"server:\n  threads: 4\n ‸max_connections: 5\n",
       {"the indentation of this line matches nothing above it"}},
      {"listeners:\n  - name: a\n   ‸address: b\n",
       {"the indentation of this line matches nothing above it"}},
      {"listeners:\n  - name: a\n ‸- name: b\n",
       {"the indentation of this line matches nothing above it"}},
      {"server:\n  threads: 4\n    max_connections‸: 5\n",
       {"a ':' can't stand here: the indentation is wrong, or it is part of a text"}},
  });
}

TEST_CASE("syntax errors are explained") {
  check_all({
      {"server: ‸{threads: 4\nlisteners: []\n", {"this bracket is never closed"}},
      {"listeners: ‸[1, 2", {"this bracket is never closed"}},
      {"listeners: [{name: a}, ‸{name: b", {"this bracket is never closed"}},
      {"server: {threads: 4 max_connections‸: 5}\n", {"unexpected text between brackets"}},
      {"listeners: [1]‸]\n", {"nothing is open that this bracket could close"}},
      {"listeners: ‸}\n", {"nothing is open that this bracket could close"}},
      {"log: {level: \"a\"} ‸x\n", {"unexpected text after the value"}},
      {"log: \"a\" ‸b\n", {"unexpected text after the value"}},
      {"log: a‸: b\n",
       {"a ':' can't stand here: the indentation is wrong, or it is part of a text"}},
      {"log: ‸- a\n", {"a '-' can't stand here"}},
      {"log: ‸@a\n", {"text can't begin with this character"}},
      {"log: ‸%a\n", {"text can't begin with this character"}},
      {"log: ‸`a\n", {"text can't begin with this character"}},
      {"log: \"‸\\q\"\n", {"the backslash begins no valid escape"}},
      {"log: \"‸\\xZZ\"\n", {"the backslash begins no valid escape"}},
      {"log: \"‸\\uD800\"\n", {"the backslash begins no valid escape"}},
      {"log: ‸*:80\n", {"the alias stands for nothing: no anchor has this name"}},
      {"log: ‸*nothing\n", {"the alias stands for nothing: no anchor has this name"}},
      {"log: *‸ a\n", {"'*' begins an alias, but no name follows"}},
      {"log: &‸ a\n", {"'&' begins an anchor, but no name follows"}},
      server("log: {level: ‸\"in\\0fo\"}", {"the text contains a NUL character"}),
  });
}

TEST_CASE("an alias that contains itself is refused") {
  check_all({
      {"listeners: &a [‸*a]\n", {"the alias stands for a value that contains it"}},
      server("log: &a {level: ‸*a}", {"the alias stands for a value that contains it"}),
      server("log: &a ‸[&b [‸*a, ‸*b]]",
             {"log must be a map, not a list", "the alias stands for a value that contains it",
              "the alias stands for a value that contains it"}),
  });
}

TEST_CASE("unknown keys are refused at every level") {
  check_all({
      server("‸sever: {threads: 4}", {"unknown key 'sever' in the file"}),
      server("server: {‸treads: 4}", {"unknown key 'treads' in server"}),
      server("‸plugins: []\n‸admin: {}",
             {"unknown key 'plugins' in the file", "unknown key 'admin' in the file"}),
      server("log: {‸colour: red}", {"unknown key 'colour' in log"}),
      listener("name: e, address: '*:1', protocol: echo, ‸port: 80",
               {"unknown key 'port' in a listener"}),
      http("{‸rooot: a}", {"unknown key 'rooot' in the options of http"}),
      listener("name: e, address: '*:1', protocol: echo, options: {‸root: a}",
               {"unknown key 'root' in the options of echo"}),
      server("‸\"a\\eb\": 1", {"unknown key 'a\\x1bb' in the file"}),
  });
}

TEST_CASE("missing keys are refused at the map that needs them") {
  check_all({
      {"‸server: {}\n", {"missing key 'listeners' in the file"}},
      {"listeners:\n- ‸name: e\n  protocol: echo\n", {"missing key 'address' in a listener"}},
      {"listeners:\n- ‸‸{address: '*:1'}\n",
       {"missing key 'name' in a listener", "missing key 'protocol' in a listener"}},
  });
}

TEST_CASE("sections of the wrong kind are refused") {
  check_all({
      server("server: ‸4", {"server must be a map, not a single value"}),
      server("server: ‸[]", {"server must be a map, not a list"}),
      server("server:\n  ‸threads:4", {"server must be a map, not a single value"}),
      server("log: ‸info", {"log must be a map, not a single value"}),
      {"‸listeners:\n", {"listeners must be a list, not nothing"}},
      {"listeners: ‸echo\n", {"listeners must be a list, not a single value"}},
      {"listeners:\n  ‸name: echo\n", {"listeners must be a list, not a map"}},
      {"listeners: ‸[]\n", {"there is no listener"}},
      {"listeners:\n- ‸echo\n", {"a listener must be a map, not a single value"}},
      {"listeners:\n‸-\n", {"a listener must be a map, not nothing"}},
      http("‸[root]", {"the options of http must be a map, not a list"}),
  });
}

TEST_CASE("wrong values of the server are refused") {
  check_all({
      server("server: {threads: ‸many}", {"threads: 'many' is not an integer"}),
      server("server: {threads: ‸0}", {"threads: '0' is below the minimum of 1"}),
      server("server: {threads: ‸1025}", {"threads: '1025' is above the maximum of 1024"}),
      server("server: {threads: ‸1.5}", {"threads: '1.5' is not an integer"}),
      server("server: {threads: ‸'4'}", {"threads: '4' is a string, because of its quotes"}),
      server("server: {threads: ‸010}",
             {"threads: '010' is ambiguous; write it without the leading zero"}),
      server("server: {threads: ‸[4]}", {"threads: expected a single value, not a list"}),
      server("server: {threads: ‸{}}", {"threads: expected a single value, not a map"}),
      server("server: {‸threads: }", {"threads: the value is missing"}),
      server("server: {threads: ‸null}", {"threads: the value is missing"}),
      server("server: {max_connections: ‸99999999999999999999}",
             {"max_connections: '99999999999999999999' is too large a number"}),
      server("server: {max_connections: ‸-5}", {"max_connections: '-5' is below the minimum of 1"}),
      server("server: {max_connections: ‸unlimited}",
             {"max_connections: 'unlimited' is not an integer"}),
      server("server: {shutdown_timeout: ‸30}",
             {"shutdown_timeout: '30' needs a unit, such as 30s"}),
      server("server: {shutdown_timeout: ‸30 s}",
             {"shutdown_timeout: '30 s' has a space between the number and its unit"}),
      server("server: {shutdown_timeout: ‸30sec}",
             {"shutdown_timeout: '30sec' has the unknown unit 'sec'; units are d, h, m, s, ms, us, "
              "ns"}),
      server("server: {shutdown_timeout: ‸25h}",
             {"shutdown_timeout: '25h' is above the maximum of 1d"}),
      server("server: {shutdown_timeout: ‸-1s}", {"shutdown_timeout: '-1s' is negative"}),
      server("log: {level: ‸loud, format: ‸xml}", {"level: 'loud' is not one of the choices",
                                                   "format: 'xml' is not one of the choices"}),
  });
}

TEST_CASE("wrong values of a listener are refused") {
  check_all({
      listener("name: ‸Web, address: '*:1', protocol: echo", {"name: 'Web' is not a name"}),
      listener("name: ‸'', address: '*:1', protocol: echo", {"name: '' is not a name"}),
      listener("name: ‸a b, address: '*:1', protocol: echo", {"name: 'a b' is not a name"}),
      listener("name: ‸ü, address: '*:1', protocol: echo", {"name: 'ü' is not a name"}),
      listener("name: a, address: ‸\"\\e:1\", protocol: echo",
               {"address: '\\x1b:1' contains a control character"}),
      listener("name: a, address: '*:1', protocol: ‸htpp", {"protocol: 'htpp' is unknown"}),
      listener("name: a, address: '*:1', protocol: ‸[echo]",
               {"protocol: expected a single value, not a list"}),
      listener("name: a, address: '*:1', protocol: echo, idle_timeout: ‸5",
               {"idle_timeout: '5' needs a unit, such as 5s"}),
      listener("name: a, address: '*:1', protocol: echo, max_connections: ‸0",
               {"max_connections: '0' is below the minimum of 1"}),
      listener("name: a, address: '*:1', protocol: echo, backlog: ‸65536",
               {"backlog: '65536' is above the maximum of 65535"}),
  });
}

TEST_CASE("wrong options are refused by the protocol's table") {
  check_all({
      http("{root: ‸''}", {"root: the path is empty"}),
      http("{index: ‸[a]}", {"index: expected a single value, not a list"}),
      http("{routes: ‸hello}", {"routes: expected a map, not a single value"}),
      http("{routes: {/: ‸[a], /b: c, ‸/d: }}", {"routes: expected a string here, not a list",
                                                 "routes: expected a string here, not nothing"}),
      http("{hosts: ‸./public}", {"hosts: expected a map, not a single value"}),
      http("{hosts: {a: ‸'', b: ‸[c], ‸d: }}",
           {"hosts: the path is empty", "hosts: expected a string here, not a list",
            "hosts: expected a string here, not nothing"}),
      http("{record: ‸''}", {"record: the path is empty"}),
      http("{types: ‸text/html}", {"types: expected a list, not a single value"}),
      http("{types: [a, ‸{b: c}]}", {"types: expected a string here, not a map"}),
      http("{header_timeout: ‸2h}", {"header_timeout: '2h' is above the maximum of 1h"}),
      http("{max_header_size: ‸64K}", {"max_header_size: '64K' is ambiguous; write 64KiB or 64kB"}),
      http("{max_header_size: ‸2MiB}", {"max_header_size: '2MiB' is above the maximum of 1MiB"}),
      http("{keep_alive: ‸yes}", {"keep_alive: 'yes' is neither true nor false"}),
      http("{keep_alive: ‸\"true\"}", {"keep_alive: 'true' is a string, because of its quotes"}),
      http("{mode: ‸slow}", {"mode: 'slow' is not one of the choices"}),
      {"listeners:\n- ‸name: p\n  address: '*:1'\n  protocol: proxy\n",
       {"missing key 'target' in the options of proxy"}},
      {"listeners:\n- name: p\n  address: '*:1'\n  protocol: proxy\n  options: ‸{}\n",
       {"missing key 'target' in the options of proxy"}},
  });
}

TEST_CASE("listeners that share a name or an address are refused at the second") {
  check_all({
      {"listeners:\n"
       "- {name: a, address: '127.0.0.1:1', protocol: echo}\n"
       "- {name: ‸a, address: '127.0.0.1:2', protocol: echo}\n"
       "- {name: b, address: ‸127.0.0.1:1, protocol: echo}\n",
       {"name: 'a' is already used on line 2", "address: '127.0.0.1:1' is already used on line 2"}},
      {"listeners:\n"
       "- &x {name: a, address: 'unix:/a', protocol: echo}\n"
       "- ‸‸*x\n",
       {"name: 'a' is already used on line 2", "address: 'unix:/a' is already used on line 2"}},
  });
}

/// In a listener, after its protocol.
Broken secured(std::string_view keys, std::vector<std::string> causes) {
  return {"listeners:\n- {name: a, address: '127.0.0.1:1', protocol: echo, " + std::string(keys) +
              "}\n",
          std::move(causes)};
}

TEST_CASE("a tls section that can't be meant is refused") {
  check_all({
      secured("‸tls: ", {"tls must be a map, not nothing"}),
      secured("tls: ‸yes", {"tls must be a map, not a single value"}),
      secured("tls: ‸{key: a.key}", {"missing key 'certificate' in tls"}),
      secured("tls: {certificate: ‸''}", {"certificate: the path is empty"}),
      secured("tls: {certificate: a, ‸certifcate: b}", {"unknown key 'certifcate' in tls"}),
      secured("tls: {certificate: a, client_certificate: ‸optional}",
              {"client_certificate: nobody says who may sign it"}),
      secured("tls: {certificate: a, client_ca: b, client_certificate: ‸none}",
              {"client_certificate: 'none' is not one of the choices"}),
      secured("tls: {certificate: a, minimum_version: ‸1.1}",
              {"minimum_version: '1.1' is not one of the choices"}),
      secured("tls: {certificate: a, alpn: ‸h2}", {"alpn: expected a list, not a single value"}),
      secured("tls: {certificate: a, alpn: ‸[h2, '']}", {"alpn: '' is not the name of a protocol"}),
      secured("tls: {certificate: a, ‸sni: }", {"sni must be a list, not nothing"}),
      secured("tls: {certificate: a, sni: ‸{certificate: b}}", {"sni must be a list, not a map"}),
      secured("tls: {certificate: a, sni: [‸~]}", {"an item of sni must be a map, not nothing"}),
      secured("tls: {certificate: a, sni: [‸{key: b}]}",
              {"missing key 'certificate' in an item of sni"}),
      secured("tls: {certificate: a, sni: [{certificate: b, ‸alpn: [h2]}]}",
              {"unknown key 'alpn' in an item of sni"}),
      secured(
          "tls: {certificate: a, sni: [{certificate: b, names: [ok.org, ‸'*', ‸'a.*.org', "
          "‸1.2.3.4]}]}",
          {"names: '*' is not the name of a server", "names: 'a.*.org' is not the name of a server",
           "names: '1.2.3.4' is not the name of a server"}),
      secured("handshake_timeout: ‸0s, max_handshakes: ‸0",
              {"handshake_timeout: '0s' is below the minimum of 1ms",
               "max_handshakes: '0' is below the minimum of 1"}),
  });
}

TEST_CASE("PROXY headers need somebody who is trusted to send them") {
  check_all({
      secured("proxy_protocol: ‸required",
              {"proxy_protocol: nobody is trusted to say for whom a connection is"}),
      secured("proxy_protocol: ‸optional, trusted_proxies: []",
              {"proxy_protocol: nobody is trusted to say for whom a connection is"}),
      secured("trusted_proxies: ‸[10.0.0.0/8]",
              {"trusted_proxies: no PROXY header is read on this listener"}),
      {"listeners:\n"
       "- {name: a, address: 'unix:/a', protocol: echo, proxy_protocol: required,"
       " trusted_proxies: ‸[10.0.0.0/8]}\n",
       {"trusted_proxies: on a Unix socket whoever may open it is trusted"}},
      secured("proxy_protocol: ‸on, trusted_proxies: [10.0.0.0/8]",
              {"proxy_protocol: 'on' is not one of the choices"}),
  });
}

TEST_CASE("all errors of all kinds are found in one pass, in the order of the file") {
  check(
      {"‸sever: {}\n"
       "server:\n"
       "  threads: ‸lots      # é\n"
       "  shutdown_timeout: ‸!late 5s\n"
       "listeners:\n"
       "  - ‸name: ‸Ä\n"
       "    protocol: ‸ecco\n"
       "    ‸protocol: echo\n"
       "  - ‸4\n"
       "log: {level: ‸warn}\n",
       {"unknown key 'sever' in the file", "threads: 'lots' is not an integer",
        "the tag '!late' is not supported", "missing key 'address' in a listener",
        "name: 'Ä' is not a name", "protocol: 'ecco' is unknown",
        "the key 'protocol' is already on line 7", "a listener must be a map, not a single value",
        "level: 'warn' is not one of the choices"}});
}

}  // namespace
