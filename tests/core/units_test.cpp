#include <simul/units.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace {

using namespace std::chrono_literals;
using simul::format_duration;
using simul::format_size;
using simul::parse_duration;
using simul::parse_size;
using std::chrono::nanoseconds;

std::string size_error(std::string_view text) {
  const auto size = parse_size(text);
  return size ? "accepted as " + std::to_string(*size) : size.error();
}

std::string duration_error(std::string_view text) {
  const auto duration = parse_duration(text);
  return duration ? "accepted as " + std::to_string(duration->count()) : duration.error();
}

TEST_CASE("a size has a binary or a decimal unit, or none and is bytes") {
  CHECK(parse_size("0") == 0);
  CHECK(parse_size("512") == 512);
  CHECK(parse_size("512B") == 512);
  CHECK(parse_size("64KiB") == 65'536);
  CHECK(parse_size("1MiB") == 1'048'576);
  CHECK(parse_size("2GiB") == 2'147'483'648);
  CHECK(parse_size("10kB") == 10'000);
  CHECK(parse_size("10MB") == 10'000'000);
  CHECK(parse_size("3GB") == 3'000'000'000);
  CHECK(parse_size("007") == 7);
}

TEST_CASE("a size may have a fraction that gives whole bytes") {
  CHECK(parse_size("1.5GiB") == 1'610'612'736);
  CHECK(parse_size("0.5KiB") == 512);
  CHECK(parse_size("1.50kB") == 1'500);
  CHECK(size_error("0.1KiB") == "'0.1KiB' is not a whole number of bytes");
  CHECK(size_error("1.5") == "'1.5' is not a whole number of bytes");
}

TEST_CASE("a size up to 2^64-1 fits, and not a byte more") {
  CHECK(parse_size("18446744073709551615") == std::numeric_limits<std::uint64_t>::max());
  CHECK(size_error("18446744073709551616") == "'18446744073709551616' is too large");
  CHECK(parse_size("17179869183GiB") == 17'179'869'183ULL << 30);
  CHECK(size_error("17179869184GiB") == "'17179869184GiB' is too large");
  CHECK(size_error("99999999999999999999999999999999999999999999GiB").ends_with("is too large"));
}

TEST_CASE("a size that isn't one says why") {
  CHECK(size_error("") == "'' is not a size");
  CHECK(size_error("KiB") == "'KiB' is not a size");
  CHECK(size_error("1.KiB") == "'1.KiB' is not a size");
  CHECK(size_error(".5KiB") == "'.5KiB' is not a size");
  CHECK(size_error("-1") == "'-1' is negative");
  CHECK(size_error("+1") == "'+1' is not a size");
  CHECK(size_error("64 KiB") == "'64 KiB' has a space between the number and its unit");
  CHECK(size_error("64K") == "'64K' is ambiguous; write 64KiB or 64kB");
  CHECK(size_error("64k") == "'64k' is ambiguous; write 64KiB or 64kB");
  CHECK(size_error("2M") == "'2M' is ambiguous; write 2MiB or 2MB");
  CHECK(size_error("10KB") == "'10KB' has the unknown unit 'KB'; write 'kB'");
  CHECK(size_error("10mib") == "'10mib' has the unknown unit 'mib'; write 'MiB'");
  CHECK(size_error("10furlongs") ==
        "'10furlongs' has the unknown unit 'furlongs'; units are GiB, MiB, KiB, GB, MB, kB, B");
}

TEST_CASE("a formatted size is short and parses back to itself") {
  CHECK(format_size(0) == "0");
  CHECK(format_size(1) == "1B");
  CHECK(format_size(1'023) == "1023B");
  CHECK(format_size(1'024) == "1KiB");
  CHECK(format_size(10'000) == "10kB");
  CHECK(format_size(65'536) == "64KiB");
  CHECK(format_size(64'000'000) == "64MB");
  CHECK(format_size(3ULL << 30) == "3GiB");
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t size = random() >> random() % 64;
    CHECK(parse_size(format_size(size)) == size);
  }
}

TEST_CASE("a duration has units, from large to small") {
  CHECK(parse_duration("7ns") == 7ns);
  CHECK(parse_duration("250us") == 250us);
  CHECK(parse_duration("10ms") == 10ms);
  CHECK(parse_duration("30s") == 30s);
  CHECK(parse_duration("5m") == 5min);
  CHECK(parse_duration("2h") == 2h);
  CHECK(parse_duration("1d") == 24h);
  CHECK(parse_duration("1m30s") == 90s);
  CHECK(parse_duration("1d2h3m4s5ms6us7ns") == 26h + 3min + 4s + 5ms + 6us + 7ns);
  CHECK(duration_error("30s1m") == "'30s1m' must name its units from large to small, each once");
  CHECK(duration_error("1s1s") == "'1s1s' must name its units from large to small, each once");
}

TEST_CASE("the last number of a duration may have a fraction") {
  CHECK(parse_duration("1.5s") == 1'500ms);
  CHECK(parse_duration("1m30.25s") == 90'250ms);
  CHECK(parse_duration("0.5d") == 12h);
  CHECK(parse_duration("1.000000000s") == 1s);
  CHECK(duration_error("1.5m30s") == "'1.5m30s' may have a fraction only in its last number");
  CHECK(duration_error("1.5ns") == "'1.5ns' is finer than a nanosecond");
  CHECK(duration_error("0.3333333333333333333333s").ends_with("is finer than a nanosecond"));
}

TEST_CASE("only zero is a duration without a unit") {
  CHECK(parse_duration("0") == 0s);
  CHECK(parse_duration("0s") == 0s);
  CHECK(duration_error("30") == "'30' needs a unit, such as 30s");
  CHECK(duration_error("1.5") == "'1.5' needs a unit, such as 1.5s");
  CHECK(duration_error("1m30") == "'1m30' needs a unit, such as 1m30s");
}

TEST_CASE("a duration up to 2^63-1 ns fits, and not a nanosecond more") {
  CHECK(parse_duration("9223372036854775807ns") == nanoseconds::max());
  CHECK(duration_error("9223372036854775808ns") == "'9223372036854775808ns' is too long");
  CHECK(duration_error("106752d") == "'106752d' is too long");
  CHECK(duration_error("106751d23h47m16.854775808s").ends_with("is too long"));
  CHECK(parse_duration("106751d23h47m16.854775807s") == nanoseconds::max());
  CHECK(duration_error("99999999999999999999999999d").ends_with("is too long"));
}

TEST_CASE("a duration that isn't one says why") {
  CHECK(duration_error("") == "'' is not a duration");
  CHECK(duration_error("s") == "'s' is not a duration");
  CHECK(duration_error("-5s") == "'-5s' is negative");
  CHECK(duration_error("5 s") == "'5 s' has a space between the number and its unit");
  CHECK(duration_error("5S") == "'5S' has the unknown unit 'S'; write 's'");
  CHECK(duration_error("5sec") ==
        "'5sec' has the unknown unit 'sec'; units are d, h, m, s, ms, us, ns");
  CHECK(duration_error("1.2.3s") ==
        "'1.2.3s' has the unknown unit '.'; units are d, h, m, s, ms, us, ns");
}

TEST_CASE("what an error repeats of the text can't harm a terminal") {
  CHECK(duration_error("\x1b[2J") == "'\\x1b[2J' is not a duration");
  CHECK(duration_error(std::string(1'000, 'x')) ==
        "'" + std::string(60, 'x') + "...' is not a duration");
}

TEST_CASE("a formatted duration reads well and parses back to itself") {
  CHECK(format_duration(0s) == "0s");
  CHECK(format_duration(1ns) == "1ns");
  CHECK(format_duration(250us) == "250us");
  CHECK(format_duration(1'500us) == "1.5ms");
  CHECK(format_duration(1'050ms) == "1.05s");
  CHECK(format_duration(30s) == "30s");
  CHECK(format_duration(90s) == "1m30s");
  CHECK(format_duration(26h) == "1d2h");
  CHECK(format_duration(90'500ms) == "1m30.5s");
  CHECK(format_duration(-90s) == "-1m30s");
  CHECK(format_duration(nanoseconds::min()) == "-106751d23h47m16.854775808s");
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; ++i) {
    const nanoseconds duration{static_cast<nanoseconds::rep>(random() >> (1 + random() % 63))};
    CHECK(parse_duration(format_duration(duration)) == duration);
  }
}

}  // namespace
