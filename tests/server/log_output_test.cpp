#include <simul/server/log_output.hpp>

#include <unistd.h>

#include <array>
#include <cstdio>
#include <regex>
#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <simul/log.hpp>

namespace {

using namespace simul;

/// What `write` writes to stderr.
template <typename Fn>
std::string written_to_stderr(Fn write) {
  std::FILE* file = std::tmpfile();
  const int saved = ::dup(STDERR_FILENO);
  ::dup2(::fileno(file), STDERR_FILENO);
  write();
  ::dup2(saved, STDERR_FILENO);
  ::close(saved);
  std::rewind(file);
  std::array<char, 4096> text{};
  const std::size_t size = std::fread(text.data(), 1, text.size(), file);
  std::fclose(file);
  return {text.data(), size};
}

std::string logged(config::LogSettings settings, std::string_view message,
                   LogLevel level = LogLevel::info) {
  server::write_log(settings);
  const std::string text = written_to_stderr([&] { log(level, message); });
  set_log_sink({});
  return text;
}

TEST_CASE("a line of text has time, level and message") {
  const std::string line = logged({}, "ready");
  CHECK(std::regex_match(line,
                         std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info    ready\n)")));
}

TEST_CASE("what is below the level isn't written") {
  CHECK(logged({.level = config::LogLevel::warning}, "x").empty());
  CHECK(logged({.level = config::LogLevel::warning}, "x", LogLevel::warning).contains("warning x"));
  CHECK(logged({.level = config::LogLevel::trace}, "x", LogLevel::trace).contains("trace   x"));
}

TEST_CASE("control characters can't forge a line or command a terminal") {
  const std::string line = logged({},
                                  "a\nb\x1b[2Jc\x7f\xc2\x9b"
                                  "d\xc3\xa9");
  CHECK(line.ends_with("a\\x0ab\\x1b[2Jc\\x7f\\x9bd\xc3\xa9\n"));
}

TEST_CASE("braces in a message are no placeholders") {
  CHECK(logged({}, "{} {0} {").ends_with("{} {0} {\n"));
}

TEST_CASE("a line of JSON is an object, whatever the message holds") {
  for (const std::string_view message : {"ready", "a \"b\"\n\x1b", "broken \xff utf-8", "{}"}) {
    const std::string line = logged({.format = config::LogFormat::json}, message);
    CHECK(line.find('\n') == line.size() - 1);
    const nlohmann::json parsed = nlohmann::json::parse(line);
    CHECK(parsed["level"] == "info");
    CHECK(parsed["time"].get<std::string>().ends_with("Z"));
    CHECK(parsed["message"].get<std::string>().starts_with(message.substr(0, 2)));
  }
}

}  // namespace
