#include <simul/config/reference.hpp>

#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "protocols.hpp"

namespace {

using namespace simul::config;

TEST_CASE("the reference has a row for every key and option") {
  const std::string text = reference_markdown(testing::kProtocols);
  const auto has = [&text](std::string_view line) {
    return text.contains("\n" + std::string(line) + "\n");
  };
  CHECK(text.starts_with("# Configuration reference\n"));
  CHECK(has("## `server`"));
  CHECK(has(
      "| `threads` | `auto` | an integer from 1 to 1024, or auto | event loops, each on a thread "
      "of its own; auto is one for each core |"));
  CHECK(has("## `listeners`"));
  CHECK(text.contains("| `address` | *required* |"));
  CHECK(text.contains("| `max_connections` | `unlimited` |"));
  CHECK(text.contains("| `handshake_timeout` | `10s` |"));
  CHECK(has("### `tls`"));
  CHECK(text.contains("| `certificate` | *required* | a path |"));
  CHECK(has("#### `sni`"));
  CHECK(text.contains("| `names` | none |"));
  CHECK(has("#### `protocol: echo`"));
  CHECK(has("Sends back what it receives."));
  CHECK(has("No options."));
  CHECK(has("| `root` | none | a path | folder of files to serve |"));
  CHECK(has("| `hosts` | none | a map of paths, such as { a: ./b } | folders by host |"));
  CHECK(has("| `record` | `off` | a path, stdout, or off | where to |"));
  CHECK(has("| `target` | *required* | a string | host:port to connect to |"));
  CHECK(has("## `log`"));
  CHECK(text.contains("| `level` | `info` | trace, debug, info, warning or error |"));
}

TEST_CASE("what means something in a table's cell is escaped") {
  static constexpr simul::OptionSpec kOptions[] = {
      {.name = "x", .default_value = "a|b", .help = "c | d"}};
  static constexpr simul::ProtocolSpec kProtocol[] = {{.name = "p", .options = kOptions}};
  CHECK(reference_markdown(kProtocol).contains("| `x` | `a\\|b` | a string | c \\| d |"));
}

}  // namespace
