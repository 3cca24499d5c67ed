// Files that are hostile rather than mistaken: they must be refused quickly, wherever they blow up.
#include <chrono>
#include <ctime>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include <simul/config/load.hpp>

#include "protocols.hpp"

namespace {

using namespace simul::config;

/// The first error of a text. Also fails if reading it took long: generous, for sanitizers, but far
/// below what an expansion would take. Counted is the processor's time: others may need it, too.
Diagnostic refuse(std::string_view text, std::chrono::milliseconds limit) {
  const std::clock_t start = std::clock();
  const LoadResult result = load(text, "simul.yaml", testing::kProtocols);
  CHECK((std::clock() - start) / (CLOCKS_PER_SEC / 1000) < limit.count());
  REQUIRE_FALSE(result.has_value());
  return result.error().front();
}

std::string repeat(std::string_view text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i)
    result += text;
  return result;
}

TEST_CASE("an alias bomb is refused at the alias that goes too far") {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i <= 9; ++i) {
    const std::string alias = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + repeat(alias + ", ", 9) +
            alias + "]\n";
  }
  const Diagnostic error = refuse(bomb, std::chrono::milliseconds(500));
  CHECK(error.message == "the file stands for too many values");
  CHECK(error.line == 5);
  CHECK(error.column == 10 + 7 * 5);  // the eighth alias for 11,111 values
}

TEST_CASE("a bomb of one long text is refused, too") {
  const std::string bomb =
      "a: &a " + std::string(100'000, 'x') + "\nb: [" + repeat("*a, ", 1'000) + "]";
  const Diagnostic error = refuse(bomb, std::chrono::milliseconds(1'000));
  CHECK(error.message == "the aliases stand for too much text");
  CHECK(error.line == 2);
}

TEST_CASE("values nest at most 32 levels deep") {
  const Diagnostic flow =
      refuse("a: " + repeat("[", 100) + repeat("]", 100), std::chrono::milliseconds(500));
  CHECK(flow.message == "values nest too deep");
  CHECK(flow.line == 1);
  CHECK(flow.column == 3 + 32);
  CHECK(refuse("a: " + repeat("[", 100'000), std::chrono::milliseconds(500)).message ==
        "values nest too deep");
  CHECK(refuse(repeat("- ", 50'000), std::chrono::milliseconds(500)).column == 2 * 32 + 1);
  CHECK(refuse(repeat("? ", 50'000), std::chrono::milliseconds(500)).column == 2 * 32 + 1);
}

TEST_CASE("aliases can't nest values deeper than brackets can") {
  std::string text = "a: &a " + repeat("[", 20) + repeat("]", 20) + "\nb: " + repeat("[", 20) +
                     "*a" + repeat("]", 20) + "\n";
  const Diagnostic error = refuse(text, std::chrono::milliseconds(500));
  CHECK(error.message == "the alias makes values nest too deep");
  CHECK(error.line == 2);
  CHECK(error.column == 24);
}

TEST_CASE("a recursive anchor ends at once") {
  const Diagnostic error = refuse("a: &a [*a, *a]\n", std::chrono::milliseconds(500));
  CHECK(error.line == 1);
}

TEST_CASE("a file has at most a mebibyte, and a full one is read in reasonable time") {
  const std::string ok = "listeners: [{name: e, address: '*:1', protocol: echo}]\n";
  const std::size_t mebibyte = 1 << 20;
  const std::string full = ok + "#" + std::string(mebibyte - ok.size() - 1, 'x');
  CHECK(load(full, "simul.yaml", testing::kProtocols).has_value());
  CHECK(refuse(full + "x", std::chrono::milliseconds(500)).message == "the file is too large");
  CHECK(refuse(repeat("- b\n", 200'000), std::chrono::seconds(20)).message ==
        "the file stands for too many values");
}

TEST_CASE("at most a hundred errors are reported, and that there are more") {
  const LoadResult result = load("server: {" + repeat("bad: 1, worse: 2,", 1'000) + "}",
                                 "simul.yaml", testing::kProtocols);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().size() == 101);
  CHECK(result.error().back().message == "there are more errors; these are the first found");
}

}  // namespace
