#include <simul/option.hpp>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include <simul/protocol_spec.hpp>

namespace {

using namespace std::chrono_literals;
using namespace simul;

constexpr std::string_view kModes[] = {"fast", "safe", "both"};
constexpr std::string_view kOutputs[] = {"stdout"};

constexpr OptionSpec kOptions[] = {
    {.name = "verbose", .type = OptionType::boolean, .default_value = "true"},
    {.name = "count",
     .type = OptionType::integer,
     .default_value = "4",
     .minimum = "-1",
     .maximum = "9"},
    {.name = "limit", .type = OptionType::size, .default_value = "64KiB", .minimum = "1KiB"},
    {.name = "timeout", .type = OptionType::duration, .default_value = "10s", .maximum = "1h"},
    {.name = "greeting", .type = OptionType::string, .default_value = "hello"},
    {.name = "mode", .type = OptionType::choice, .default_value = "safe", .choices = kModes},
    {.name = "root", .type = OptionType::path},
    {.name = "names", .type = OptionType::string_list, .default_value = "[a, b c]"},
    {.name = "routes", .type = OptionType::string_map},
    {.name = "hosts", .type = OptionType::path_map},
    {.name = "record", .type = OptionType::path, .choices = kOutputs, .unset = "off"},
    {.name = "workers",
     .type = OptionType::integer,
     .default_value = "auto",
     .minimum = "1",
     .unset = "auto"},
};

// The table must be constant data: a plugin carries it in an ELF note.
constexpr ProtocolSpec kProtocol = {.name = "demo", .options = kOptions};
static_assert(kProtocol.options.size() == 12);
static_assert(std::is_trivially_copyable_v<OptionSpec>);
static_assert(std::is_trivially_destructible_v<OptionSpec>);

const OptionSpec& spec(std::string_view name) {
  for (const OptionSpec& candidate : kOptions) {
    if (candidate.name == name) return candidate;
  }
  throw std::logic_error("no such option in this test");
}

std::string error(std::string_view name, std::string_view text) {
  const auto value = parse_option(spec(name), text);
  return value ? "accepted" : value.error();
}

TEST_CASE("options have the defaults of their table") {
  const OptionValues values = OptionValues::defaults(kOptions);
  CHECK(values.get_bool("verbose"));
  CHECK(values.get_integer("count") == 4);
  CHECK(values.get_size("limit") == 65'536);
  CHECK(values.get_duration("timeout") == 10s);
  CHECK(values.get_string("greeting") == "hello");
  CHECK(values.get_string("mode") == "safe");
  CHECK(values.get_list("names") == std::vector<std::string>{"a", "b c"});
}

TEST_CASE("text, lists and maps without a value are empty") {
  const OptionValues values = OptionValues::defaults(kOptions);
  CHECK_FALSE(values.has("root"));
  CHECK(values.get_string("root").empty());
  CHECK(values.get_map("routes").empty());
}

TEST_CASE("a number without a value is misuse, because no number is neutral") {
  const OptionValues values = OptionValues::defaults(kOptions);
  CHECK_FALSE(values.has("workers"));
  CHECK_THROWS_WITH_AS(static_cast<void>(values.get_integer("workers")),
                       "option 'workers' has no value", std::logic_error);
}

TEST_CASE("asking for an unknown name or another type is misuse") {
  const OptionValues values = OptionValues::defaults(kOptions);
  CHECK_THROWS_WITH_AS(static_cast<void>(values.get_bool("verbos")), "there is no option 'verbos'",
                       std::logic_error);
  CHECK_THROWS_AS(static_cast<void>(values.has("verbos")), std::logic_error);
  CHECK_THROWS_WITH_AS(static_cast<void>(values.get_integer("verbose")),
                       "option 'verbose' is a boolean", std::logic_error);
  CHECK_THROWS_AS(static_cast<void>(values.get_size("count")), std::logic_error);
  CHECK_THROWS_AS(static_cast<void>(values.get_list("greeting")), std::logic_error);
  CHECK_THROWS_AS(static_cast<void>(OptionValues().has("verbose")), std::logic_error);
}

TEST_CASE("a value can be set, but only one of the option's type") {
  OptionValues values = OptionValues::defaults(kOptions);
  values.set("count", 7);
  values.set("root", "/srv");
  values.set("routes", OptionMap{{"/b", "1"}, {"/a", "2"}});
  values.set("verbose", OptionValue());
  CHECK(values.get_integer("count") == 7);
  CHECK(values.get_string("root") == "/srv");
  CHECK(values.get_map("routes").front().first == "/b");
  values.set("hosts", OptionMap{{"a", "/srv"}});
  CHECK(values.get_map("hosts").front().second == "/srv");
  CHECK_THROWS_AS(values.set("hosts", "/srv"), std::logic_error);
  CHECK_FALSE(values.has("verbose"));
  CHECK_THROWS_AS(values.set("count", "7"), std::logic_error);
  CHECK_THROWS_AS(values.set("limit", 7), std::logic_error);
  CHECK_THROWS_AS(values.set("unknown", 7), std::logic_error);
}

TEST_CASE("text becomes a value within its bounds, or a sentence about it") {
  CHECK(parse_option(spec("verbose"), "false") == OptionValue(false));
  CHECK(error("verbose", "yes") == "'yes' is neither true nor false");
  CHECK(parse_option(spec("count"), "-1") == OptionValue(-1));
  CHECK(error("count", "-2") == "'-2' is below the minimum of -1");
  CHECK(error("count", "10") == "'10' is above the maximum of 9");
  CHECK(error("count", "4k") == "'4k' is not an integer");
  CHECK(error("count", "") == "'' is not an integer");
  CHECK(error("count", "0x5") == "'0x5' is not an integer");
  CHECK(error("count", "07") == "'07' is ambiguous; write it without the leading zero");
  CHECK(error("count", "9223372036854775808") == "'9223372036854775808' is too large a number");
  CHECK(error("limit", "1000") == "'1000' is below the minimum of 1KiB");
  CHECK(error("timeout", "61m") == "'61m' is above the maximum of 1h");
  CHECK(error("timeout", "30") == "'30' needs a unit, such as 30s");
  CHECK(error("mode", "slow") == "'slow' is not one of the choices");
  CHECK(error("root", "") == "the path is empty");
  CHECK(error("routes", "a") == "a map has no text form");
  CHECK(error("hosts", "a") == "a map has no text form");
  CHECK(parse_option(spec("names"), "[]") == OptionValue(std::vector<std::string>{}));
  CHECK(error("names", "a, b") == "'a, b' is not a list");
  CHECK(error("names", "[a,,b]") == "the list has an empty item");
}

TEST_CASE("the word for no value is accepted besides the numbers") {
  CHECK(parse_option(spec("workers"), "auto") == OptionValue());
  CHECK(parse_option(spec("workers"), "2") == OptionValue(2));
  CHECK(error("workers", "0") == "'0' is below the minimum of 1");
}

TEST_CASE("what is allowed can be said in words") {
  CHECK(describe_allowed(spec("verbose")) == "true or false");
  CHECK(describe_allowed(spec("count")) == "an integer from -1 to 9");
  CHECK(describe_allowed(spec("limit")) == "a size of at least 1KiB, such as 64KiB");
  CHECK(describe_allowed(spec("timeout")) == "a duration of at most 1h, such as 30s");
  CHECK(describe_allowed(spec("mode")) == "fast, safe or both");
  CHECK(describe_allowed(spec("hosts")) == "a map of paths, such as { a: ./b }");
  CHECK(describe_allowed(spec("record")) == "a path, stdout, or off");
  CHECK(describe_allowed(spec("workers")) == "an integer of at least 1, or auto");
}

TEST_CASE("a table that contradicts itself is refused") {
  const auto problem = [](const OptionSpec& bad) {
    const OptionSpec table[] = {bad};
    try {
      check_table(table);
    } catch (const std::logic_error& misuse) {
      return std::string(misuse.what());
    }
    return std::string("accepted");
  };
  using enum OptionType;
  CHECK(problem({.name = "Bad"}) == "option 'Bad': a name is [a-z][a-z0-9_]*");
  CHECK(problem({.name = ""}) == "option '': a name is [a-z][a-z0-9_]*");
  CHECK(problem({.name = "x", .type = integer, .default_value = "5", .maximum = "4"}) ==
        "option 'x': the default '5' is above the maximum of 4");
  CHECK(problem({.name = "x", .type = duration, .maximum = "4"}) ==
        "option 'x': '4' needs a unit, such as 4s");
  CHECK(problem({.name = "x", .minimum = "4"}) ==
        "option 'x': only numbers have a minimum and a maximum");
  CHECK(problem({.name = "x", .type = choice}) ==
        "option 'x': a choice has choices, a path may have, and nothing else has");
  CHECK(problem({.name = "x", .choices = kModes}) ==
        "option 'x': a choice has choices, a path may have, and nothing else has");
  CHECK(problem({.name = "x", .default_value = "y", .required = true}) ==
        "option 'x': what is required needs no default");
  const OptionSpec twice[] = {{.name = "x"}, {.name = "x"}};
  CHECK_THROWS_WITH_AS(OptionValues::defaults(twice), "option 'x': the table has this name twice",
                       std::logic_error);
}

}  // namespace
