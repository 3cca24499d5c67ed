#include <simul/config/diagnostic.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <simul/config/load.hpp>

#include "protocols.hpp"

namespace {

using namespace simul::config;

constexpr std::string_view kEcho =
    "listeners: [{name: echo, address: '127.0.0.1:7000', protocol: echo}]\n";

std::vector<Diagnostic> errors(const std::string& text) {
  const LoadResult result = load(text, "simul.yaml", testing::kProtocols);
  REQUIRE_FALSE(result.has_value());
  return result.error();
}

std::string rendered(const std::string& text) { return render(errors(text)); }

TEST_CASE("an error is shown with its line, a caret, what is allowed and what was meant") {
  CHECK(rendered("server:\n  treads: 4\n" + std::string(kEcho)) ==
        "simul.yaml:2:3: error: unknown key 'treads' in server\n"
        "    2 |   treads: 4\n"
        "      |   ^\n"
        "      = allowed: threads, max_connections, shutdown_timeout, stall_threshold\n"
        "      = did you mean 'threads'?\n");
}

TEST_CASE("a summary is one line that editors understand") {
  CHECK(summary(errors("server: {threads: x}\n" + std::string(kEcho)).front()) ==
        "simul.yaml:1:19: error: threads: 'x' is not an integer");
}

TEST_CASE("the caret stands under the error behind tabs, umlauts and wide characters") {
  // The tab reaches to the next multiple of four; ü is one cell, each of the others two.
  CHECK(rendered("server: {threads:\t4, \"ü日本\": 5}\n" + std::string(kEcho)) ==
        "simul.yaml:1:22: error: unknown key 'ü日本' in server\n"
        "    1 | server: {threads:   4, \"ü日本\": 5}\n"
        "      |                        ^\n"
        "      = allowed: threads, max_connections, shutdown_timeout, stall_threshold\n");
  CHECK(errors("log: {\"日\": 1, x: 2}\n" + std::string(kEcho))[1].column == 15);
  CHECK(errors("log: {\"日\": 1, x: 2}\n" + std::string(kEcho))[1].caret == 15);
  // A combining accent takes no cell, but it is a character.
  CHECK(errors("log: {\"e\u0301\": 1, x: 2}\n" + std::string(kEcho))[1].column == 16);
  CHECK(errors("log: {\"e\u0301\": 1, x: 2}\n" + std::string(kEcho))[1].caret == 14);
}

TEST_CASE("a byte order mark doesn't move the caret") {
  const Diagnostic error = errors("\xEF\xBB\xBFsever: {}\n" + std::string(kEcho)).front();
  CHECK(error.line == 1);
  CHECK(error.column == 1);
  CHECK(error.excerpt == "sever: {}");
}

TEST_CASE("a very long line is cut around the error") {
  const std::string filler(500, 'x');
  const Diagnostic error = errors("server: {threads: 1} # " + filler + "\nlog: {level: info, x: é" +
                                  filler + "}\n" + std::string(kEcho))
                               .front();
  CHECK(error.excerpt.size() < 160);
  CHECK(error.excerpt.substr(error.caret).starts_with("x: é"));
  CHECK(error.excerpt.ends_with("x ..."));

  const Diagnostic late = errors("log: {\"" + filler + "\": 1, y: 2}\n" + std::string(kEcho)).at(1);
  CHECK(late.excerpt.starts_with("... x"));
  CHECK(late.excerpt.substr(late.caret) == "y: 2}");
}

TEST_CASE("an excerpt can't move a terminal's cursor or reorder its text") {
  CHECK(errors("a: \"\x1b[2J\"\n").front().excerpt == "a: \"\uFFFD[2J\"");
  CHECK(errors("\u202Ea: b\n" + std::string(kEcho)).front().excerpt == "\uFFFDa: b");
}

TEST_CASE("an error at the end of the file is shown behind the last text") {
  const Diagnostic error = errors("listeners:\n- ").front();
  CHECK(error.line == 2);
  CHECK(error.excerpt == "- ");
}

TEST_CASE("suggestions are made only when something is close") {
  const auto suggestion = [](std::string_view server) {
    return errors("server: {" + std::string(server) + "}\n" + std::string(kEcho))
        .front()
        .suggestion;
  };
  CHECK(suggestion("thread: 4") == "threads");
  CHECK(suggestion("THREADS: 4") == "threads");
  CHECK(suggestion("max-connections: 4") == "max_connections");
  CHECK(suggestion("max_conections: 4") == "max_connections");
  CHECK(suggestion("shutdown: 4") == "shutdown_timeout");
  CHECK(suggestion("workers: 4") == "");
  CHECK(suggestion("x: 4") == "");
  CHECK(suggestion(std::string(1'000, 'x') + ": 4") == "");
}

TEST_CASE("values are suggested, too") {
  const auto suggestion = [](std::string_view log) {
    return errors("log: {" + std::string(log) + "}\n" + std::string(kEcho)).front().suggestion;
  };
  CHECK(suggestion("level: warn") == "warning");
  CHECK(suggestion("level: INFO") == "info");
  CHECK(suggestion("format: jsno") == "json");
  CHECK(suggestion("format: xml") == "");
  CHECK(errors("server: {threads: Auto}\n" + std::string(kEcho)).front().suggestion == "auto");
  CHECK(errors("server: threads:4\n" + std::string(kEcho)).front().suggestion == "threads: 4");
}

TEST_CASE("an error that isn't about a place has no excerpt") {
  const Diagnostic error{.file = "x.yaml", .message = "can't read the file", .allowed = "a file"};
  CHECK(render({&error, 1}) == "x.yaml: error: can't read the file\n      = allowed: a file\n");
}

}  // namespace
