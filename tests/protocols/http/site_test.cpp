#include "http/site.hpp"

#include <array>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <simul/protocols/http.hpp>

#include "fake_request.hpp"
#include "temporary_folder.hpp"

namespace simul::http {
namespace {

using testing::TemporaryFolder;
using namespace std::string_literals;
using namespace std::string_view_literals;

using Setting = std::pair<std::string_view, OptionMap>;

OptionValues options_of(std::initializer_list<Setting> maps, std::string_view root = {}) {
  OptionValues options = OptionValues::defaults(http_protocol().spec.options);
  for (const auto& [name, map] : maps) {
    options.set(name, map);
  }
  if (!root.empty()) {
    options.set("root", std::string(root));
  }
  return options;
}

Site site_of(std::initializer_list<Setting> maps, std::string_view root = {}) {
  return Site(options_of(maps, root), {});
}

Response ask(Site& site, std::string_view target, std::string_view host = "example.org",
             std::string_view method = "GET") {
  FakeRequest fake(method, target, "Host: " + std::string(host) + "\r\n");
  std::optional<Response> response = site.respond_at_once(fake.request());
  REQUIRE(response.has_value());
  return *std::move(response);
}

std::string text(Site& site, std::string_view target, std::string_view host = "example.org") {
  const Response response = ask(site, target, host);
  return response.status() == 200 && response.text_body() ? std::string(*response.text_body())
                                                          : std::to_string(response.status());
}

std::string location(Site& site, std::string_view target, std::string_view host = "example.org") {
  const Response response = ask(site, target, host);
  return std::string(response.header("Location").value_or("none"));
}

/// What is said to a configuration with this.
std::string refusal(std::string_view option, const OptionMap& map) {
  try {
    site_of({{option, map}});
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

/// Which of a tree's folders, each with a file `name`, answers.
std::string folder_at(Site& site, std::string_view host) {
  for (const char* name : {"site", "wild", "static", "root", "address"}) {
    if (ask(site, "/" + std::string(name), host).status() == 200) {
      return name;
    }
  }
  return std::to_string(ask(site, "/", host).status());
}

}  // namespace

// --- hosts ---------------------------------------------------------------------------------------

TEST_CASE("each host has its folder, exact names before patterns, and others have the root") {
  const TemporaryFolder tree;
  for (const std::string name : {"site", "wild", "static", "root", "address"}) {
    tree.write(name + "/" + name, "x");
  }
  const auto path = [&tree](std::string_view name) { return (tree.path() / name).string(); };
  const OptionMap hosts = {{"Example.org", path("site")},
                           {"*.example.org", path("wild")},
                           {"static.example.org", path("static")},
                           {"*.deep.example.org", path("static")},
                           {"[::1]", path("address")},
                           {"127.0.0.1", path("address")}};
  Site site = site_of({{"hosts", hosts}}, path("root"));
  CHECK(folder_at(site, "example.org") == "site");
  CHECK(folder_at(site, "EXAMPLE.ORG:8080") == "site");
  CHECK(folder_at(site, "example.org.") == "site");
  CHECK(folder_at(site, "example.org.:80") == "site");
  CHECK(folder_at(site, "static.example.org") == "static");
  CHECK(folder_at(site, "www.example.org") == "wild");
  CHECK(folder_at(site, "a.b.Example.Org") == "wild");
  CHECK(folder_at(site, "a.deep.example.org") == "static");
  CHECK(folder_at(site, "deep.example.org") == "wild");
  CHECK(folder_at(site, "[::1]:8080") == "address");
  CHECK(folder_at(site, "127.0.0.1:1") == "address");
  CHECK(folder_at(site, "notexample.org") == "root");
  CHECK(folder_at(site, "org") == "root");
  CHECK(folder_at(site, std::string(300, 'a') + ".example.org") == "root");
}

TEST_CASE("a host that isn't served is misdirected, unless there is a root or no hosts") {
  const TemporaryFolder tree;
  Site hosts = site_of({{"hosts", {{"example.org", tree.path().string()}}}});
  CHECK(ask(hosts, "/", "example.com").status() == 421);
  CHECK(ask(hosts, "/", "example.org").status() == 404);
  Site nothing = site_of({});
  CHECK(ask(nothing, "/", "example.com").status() == 404);
}

TEST_CASE("what is no host is refused at the start") {
  CHECK(refusal("hosts", {{"example.org:80", "/tmp"}}) ==
        "hosts: 'example.org:80': 'example.org:80': a host is named without its port");
  for (const char* host : {"", "a b", "*", "*.", "*example.org", "a.*.b", "::1", "[::1", "*.[::1]",
                           "caf\xC3\xA9", "."}) {
    CAPTURE(host);
    CHECK(refusal("hosts", {{host, "/tmp"}}).contains("is no host, such as example.org"));
  }
  CHECK(refusal("hosts", {{"a", "/tmp"}, {"A.", "/tmp"}}) ==
        "hosts: 'A.': this host is there twice");
  CHECK(refusal("hosts", {{"a", "/nowhere/at/all"}}).starts_with("hosts: 'a': "));
  CHECK(refusal("hosts", {{"a", "/nowhere/at/all"}}).contains("No such file or directory"));
}

// --- routes --------------------------------------------------------------------------------------

TEST_CASE("a text is found by its path, decoded, with the type that its extension says") {
  Site site = site_of({{"routes",
                        {{"/hello", "hi"},
                         {"/a b", "blank"},
                         {"/x.json", "{}"},
                         {"/", "<p>"},
                         {"/i.html", "<p>"},
                         {"/x.unknown", "?"}}}});
  CHECK(text(site, "/hello") == "hi");
  CHECK(text(site, "/hello?x=y") == "hi");
  CHECK(text(site, "/%68ello") == "hi");
  CHECK(text(site, "/a%20b") == "blank");
  CHECK(text(site, "/Hello") == "404");
  CHECK(text(site, "/hello/") == "404");
  CHECK(text(site, "/hello%2F") == "400");
  CHECK(text(site, "/hello%00") == "400");
  CHECK(text(site, "/hello%") == "400");
  CHECK(ask(site, "/").header("Content-Type") == "text/plain; charset=utf-8");
  CHECK(ask(site, "/hello").header("Content-Type") == "text/plain; charset=utf-8");
  CHECK(ask(site, "/x.unknown").header("Content-Type") == "text/plain; charset=utf-8");
  CHECK(ask(site, "/x.json").header("Content-Type") == "application/json");
  CHECK(ask(site, "/i.html").header("Content-Type") == "text/html; charset=utf-8");
}

TEST_CASE("a text for a host goes before the one for all") {
  Site site = site_of({{"routes",
                        {{"/hello", "all"},
                         {"example.org/hello", "one"},
                         {"*.example.org/hello", "some"},
                         {"example.org/own", "own"}}}});
  CHECK(text(site, "/hello", "EXAMPLE.org:80") == "one");
  CHECK(text(site, "/hello", "www.example.org") == "some");
  CHECK(text(site, "/hello", "example.com") == "all");
  CHECK(text(site, "/own", "example.org") == "own");
  CHECK(text(site, "/own", "example.com") == "404");
}

TEST_CASE("texts go before files") {
  const TemporaryFolder tree;
  tree.write("hello", "file");
  tree.write("other", "file");
  Site site = site_of({{"routes", {{"/hello", "text"}}}}, tree.path().string());
  CHECK(text(site, "/hello") == "text");
  CHECK(ask(site, "/other").status() == 200);
  CHECK(ask(site, "/third").status() == 404);
}

TEST_CASE("a route that no request could have is refused at the start") {
  CHECK(refusal("routes", {{"hello", "x"}}) ==
        "routes: 'hello': a path begins with a slash, which a host may stand before");
  CHECK(refusal("routes", {{"/a?b", "x"}}) == "routes: '/a?b': a path has no '?' or '#'");
  CHECK(refusal("routes", {{"/a/*", "x"}}) ==
        "routes: '/a/*': a route is a whole path, without '*'");
  CHECK(refusal("routes", {{"a b/", "x"}}).contains("is no host"));
  CHECK(refusal("routes", {{"a/x", "x"}, {"A/x", "y"}}) ==
        "routes: 'A/x': this path is there twice");
}

// --- redirects -----------------------------------------------------------------------------------

TEST_CASE("redirects lead elsewhere, with their status") {
  Site site = site_of({{"redirects",
                        {{"/old", "/new"},
                         {"/seen", "303 /new"},
                         {"/kept", " 308  https://example.com/a?b=c#d "},
                         {"/caf\xC3\xA9", "/coffee house"},
                         {"/gone", "410"},
                         {"example.org/here", "http://[::1]:8080"}}}});
  CHECK(ask(site, "/old").status() == 301);
  CHECK(location(site, "/old?x=y") == "/new");
  CHECK(ask(site, "/seen").status() == 303);
  CHECK(ask(site, "/kept").status() == 308);
  CHECK(location(site, "/kept") == "https://example.com/a?b=c#d");
  CHECK(location(site, "/caf%C3%A9") == "/coffee%20house");
  CHECK(ask(site, "/gone").status() == 410);
  CHECK(location(site, "/gone") == "none");
  CHECK(location(site, "/here") == "http://[::1]:8080");
  CHECK(location(site, "/here", "example.com") == "none");
  CHECK(ask(site, "/old", "a", "POST").status() == 301);
}

TEST_CASE("an asterisk stands for the rest, with the query") {
  Site site = site_of({{"redirects",
                        {{"/docs/*", "https://docs.example.org/*"},
                         {"/docs/old/*", "302 /archive/*"},
                         {"/docs/home", "/start"},
                         {"/query", "/kept*"},
                         {"/cut/*", "/whole"},
                         {"www.example.org/*", "https://example.org/*"},
                         {"/a b/*", "/c/*"}}}});
  CHECK(location(site, "/docs/guide/a%20b%2Fc?d=e") == "none");  // an encoded slash is no path
  CHECK(location(site, "/docs/guide/a%20b?d=e&f") == "https://docs.example.org/guide/a%20b?d=e&f");
  CHECK(location(site, "/docs/") == "https://docs.example.org/");
  CHECK(location(site, "/docs/?q") == "https://docs.example.org/?q");
  CHECK(location(site, "/docs") == "none");
  CHECK(location(site, "/%64ocs/%78") == "https://docs.example.org/%78");
  CHECK(location(site, "/docs/old/x") == "/archive/x");
  CHECK(location(site, "/docs/home") == "/start");
  CHECK(location(site, "/query?a=b") == "/kept?a=b");
  CHECK(location(site, "/cut/x?y") == "/whole");
  CHECK(location(site, "/", "WWW.example.org") == "https://example.org/");
  CHECK(location(site, "/x?y", "www.example.org:80") == "https://example.org/x?y");
  CHECK(location(site, "/x", "example.org") == "none");
  CHECK(location(site, "/a%20b/x") == "/c/x");
}

TEST_CASE("no request makes a redirect lead to another host") {
  Site site = site_of(
      {{"redirects", {{"/old/*", "/*"}, {"/to/*", "https://example.org/*"}, {"/q", "/*"}}}});
  CHECK(location(site, "/old//evil.example/") == "/evil.example/");
  CHECK(location(site, "/old////evil.example") == "/evil.example");
  CHECK(location(site, "/old/") == "/");
  CHECK(location(site, "/old//") == "/");
  CHECK(location(site, "/old/%5Cevil.example") == "/%5Cevil.example");
  CHECK(location(site, "/old/\\evil.example") == "/%5Cevil.example");
  CHECK(location(site, "/old/\t/evil.example") == "/%09/evil.example");
  CHECK(location(site, "/old/%0d%0aSet-Cookie:x") == "/%0d%0aSet-Cookie:x");
  CHECK(location(site, "/old/https://evil.example") == "/https://evil.example");
  CHECK(location(site, "/to/@evil.example") == "https://example.org/@evil.example");
  CHECK(location(site, "/to/.evil.example") == "https://example.org/.evil.example");
  CHECK(location(site, "/q?/evil.example") == "/?/evil.example");
}

TEST_CASE("a redirect that can't be right is refused at the start") {
  const auto why = [](const std::string& target) { return refusal("redirects", {{"/a", target}}); };
  CHECK(why("new").contains("a target is a path, such as /new, or begins with https://"));
  CHECK(why("//evil.example").contains("a target is a path"));
  CHECK(why("ftp://a/").contains("a target is a path"));
  CHECK(why("https:///x").contains("a target is a path"));
  CHECK(why("https://user@a/").contains("a target is a path"));
  CHECK(why("https://example.org*").contains("a target is a path"));
  CHECK(why("*").contains("a target is a path"));
  CHECK(why("").contains("a target is a path"));
  CHECK(why("/\\evil.example").contains("neither backslashes nor control characters"));
  CHECK(why("/a\r\nb").contains("neither backslashes nor control characters"));
  CHECK(why("/*/x").contains("'*' stands at the end of a target only"));
  CHECK(why("200 /x").contains("the status of a redirect is 301, 302, 303, 307 or 308"));
  CHECK(why("304 /x").contains("the status of a redirect is"));
  CHECK(why("301").contains("a status without a target is from 400 to 599, such as 410"));
  CHECK(why("410x /b").contains("a target is a path"));
  CHECK(refusal("redirects", {{"a", "/b"}}).contains("a path begins with a slash"));
  CHECK(refusal("redirects", {{"/a*", "/b"}}).contains("as in /docs/*"));
  CHECK(refusal("redirects", {{"/*/a", "/b"}}).contains("as in /docs/*"));
  CHECK_THROWS_WITH_AS(site_of({{"routes", {{"/a", "x"}}}, {"redirects", {{"/a", "/b"}}}}),
                       "redirects: '/a': there is a route, or another redirect, for this path",
                       std::invalid_argument);
  CHECK(refusal("redirects", {{"A/x/*", "/b"}, {"a/x/*", "/c"}})
            .contains("there is another redirect for this path"));
}

TEST_CASE("redirects that lead round in a circle are refused at the start") {
  const auto is_circle = [](const OptionMap& redirects) {
    return refusal("redirects", redirects).ends_with("leads to itself in the end, and so nowhere");
  };
  CHECK(is_circle({{"/a", "/a"}}));
  CHECK(is_circle({{"/a", "/a?b"}}));
  CHECK(is_circle({{"/a b", "/a b"}}));
  CHECK(is_circle({{"/a", "/b"}, {"/b", "/a"}}));
  CHECK(is_circle({{"/a", "/b"}, {"/b", "/c"}, {"/c", "/b"}}));
  CHECK(is_circle({{"/docs/*", "/docs/*"}}));
  CHECK(is_circle({{"/docs/*", "/docs/new/*"}}));
  CHECK(is_circle({{"/*", "/new"}}));
  CHECK(is_circle({{"example.org/a", "/b"}, {"/b", "/a"}}));
  CHECK(is_circle({{"*.example.org/a", "/a"}}));

  CHECK_FALSE(is_circle({{"/a", "/b"}, {"/b", "/c"}}));
  CHECK_FALSE(is_circle({{"/a/*", "/*"}}));
  CHECK_FALSE(is_circle({{"/*", "https://example.org/*"}}));
  CHECK_FALSE(is_circle({{"example.org/a", "/b"}, {"example.com/b", "/a"}}));
  Site with_text = site_of({{"redirects", {{"/*", "/new"}}}, {"routes", {{"/new", "x"}}}});
  CHECK(location(with_text, "/a") == "/new");
  CHECK(text(with_text, "/new") == "x");
}

// --- methods -------------------------------------------------------------------------------------

TEST_CASE("texts and files can be read, and nothing else") {
  const TemporaryFolder tree;
  tree.write("file", "x");
  Site site = site_of({{"routes", {{"/text", "x"}}}}, tree.path().string());
  for (const char* target : {"/text", "/file"}) {
    CAPTURE(target);
    CHECK(ask(site, target, "a", "HEAD").status() == 200);
    for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"}) {
      const Response refused = ask(site, target, "a", method);
      CHECK(refused.status() == 405);
      CHECK(refused.header("Allow") == "GET, HEAD, OPTIONS");
    }
    const Response options = ask(site, target, "a", "OPTIONS");
    CHECK(options.status() == 204);
    CHECK(options.header("Allow") == "GET, HEAD, OPTIONS");
  }
}

TEST_CASE("OPTIONS * tells what the server can do") {
  Site site = site_of({});
  const Response response = ask(site, "*", "a", "OPTIONS");
  CHECK(response.status() == 204);
  CHECK(response.header("Allow") == "GET, HEAD, OPTIONS");
  CHECK(ask(site, "/", "a", "TRACE").status() == 405);
  CHECK(ask(site, "/", "a", "OPTIONS").status() == 404);
}

// --- error pages and headers ---------------------------------------------------------------------

TEST_CASE("an error looks as its page says, the narrowest that fits") {
  const TemporaryFolder tree;
  tree.write("404.html", "<p>lost");
  tree.write("4xx.json", "{}");
  tree.write("rest.txt", "oh");
  const auto path = [&tree](const char* name) { return (tree.path() / name).string(); };
  const OptionMap pages = {
      {"404", path("404.html")}, {"default", path("rest.txt")}, {"4xx", path("4xx.json")}};
  Site site = site_of(
      {{"error_pages", pages}, {"redirects", {{"/gone", "410"}}}, {"routes", {{"/x", "x"}}}},
      tree.path().string());

  const Response lost = ask(site, "/nothing");
  CHECK(lost.status() == 404);
  CHECK(lost.text_body() == "<p>lost");
  CHECK(lost.header("Content-Type") == "text/html; charset=utf-8");
  CHECK(ask(site, "/gone").text_body() == "{}");
  CHECK(ask(site, "/gone").status() == 410);
  CHECK(ask(site, "/gone").header("Content-Type") == "application/json");

  const Response refused = ask(site, "/x", "a", "POST");
  CHECK(refused.status() == 405);
  CHECK(refused.text_body() == "{}");
  CHECK(refused.header("Allow") == "GET, HEAD, OPTIONS");

  CHECK(site.error(404, "").text_body() == "<p>lost");
  CHECK(site.error(400, "").text_body() == "{}");
  CHECK(site.error(503, "").text_body() == "oh");
  CHECK(site.error(503, "").status() == 503);
  CHECK(site.error(503, "").header("Content-Type") == "text/plain; charset=utf-8");
  CHECK(ask(site, "/404.html").status() == 200);
}

TEST_CASE("what a range that can't be sent says stays, with the page") {
  const TemporaryFolder tree;
  tree.write("page.html", "<p>sorry");
  tree.write("file.txt", "0123456789");
  Site site = site_of({{"error_pages", {{"416", (tree.path() / "page.html").string()}}}},
                      tree.path().string());
  FakeRequest fake("GET", "/file.txt", "Host: a\r\nRange: bytes=20-\r\n");
  const Response response = *site.respond_at_once(fake.request());
  CHECK(response.status() == 416);
  CHECK(response.text_body() == "<p>sorry");
  CHECK(response.header("Content-Range") == "bytes */10");
  CHECK(response.header("Content-Type") == "text/html; charset=utf-8");
}

TEST_CASE("an error page that can't be is refused at the start") {
  const TemporaryFolder tree;
  tree.write("page", "x");
  tree.write("large", std::string((1 << 20) + 1, 'x'));
  const std::string page = (tree.path() / "page").string();
  for (const char* name : {"200", "399", "600", "6xx", "404x", "error", ""}) {
    CAPTURE(name);
    CHECK(refusal("error_pages", {{name, page}})
              .contains("is neither a status from 400 to 599 nor 4xx, 5xx or default"));
  }
  CHECK(refusal("error_pages", {{"404", "/nowhere/404.html"}}) ==
        "error_pages: '404': '/nowhere/404.html': No such file or directory");
  CHECK(refusal("error_pages", {{"404", tree.path().string()}}).ends_with("not a regular file"));
  CHECK(refusal("error_pages", {{"404", (tree.path() / "large").string()}})
            .ends_with("larger than 1 MiB"));
  CHECK(refusal("error_pages", {{"404", page}}) == "accepted");
}

TEST_CASE("the configuration's headers are on every answer, once") {
  const TemporaryFolder tree;
  tree.write("file.txt", "x");
  Site site =
      site_of({{"headers", {{"X-Frame-Options", "DENY"}, {"Cache-Control", "max-age=3600"}}},
               {"routes", {{"/x", "x"}}},
               {"redirects", {{"/old", "/x"}}}},
              tree.path().string());
  for (const char* target : {"/x", "/old", "/file.txt", "/nothing", "/%zz"}) {
    CAPTURE(target);
    const Response response = ask(site, target);
    CHECK(response.header("X-Frame-Options") == "DENY");
    CHECK(response.header("Cache-Control") == "max-age=3600");
  }
  CHECK(ask(site, "/old").header("Location") == "/x");
  CHECK(ask(site, "/x", "a", "OPTIONS").header("X-Frame-Options") == "DENY");
  CHECK(site.error(400, "").header("X-Frame-Options") == "DENY");
}

TEST_CASE("a header that can't be is refused at the start") {
  CHECK(refusal("headers", {{"X A", "b"}}).starts_with("headers: 'X A': "));
  CHECK(refusal("headers", {{"X-A", "b\r\nSet-Cookie: c"}}).starts_with("headers: 'X-A': "));
  CHECK(refusal("headers", {{"Connection", "close"}}).starts_with("headers: 'Connection': "));
  CHECK(refusal("headers", {{"content-type", "text/html"}}) ==
        "headers: 'content-type': the server itself says this");
}

}  // namespace simul::http
