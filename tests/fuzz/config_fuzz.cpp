// Whatever the bytes are, load() gives settings or diagnostics that can be shown: no crash, no
// hang, no expansion past the caps, no position outside the text, nothing that could steer a
// terminal.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <simul/config/load.hpp>

namespace {

using namespace simul;

constexpr std::string_view kModes[] = {"fast", "safe"};

constexpr OptionSpec kOptions[] = {
    {.name = "root", .type = OptionType::path},
    {.name = "routes", .type = OptionType::string_map},
    {.name = "hosts", .type = OptionType::path_map},
    {.name = "types", .type = OptionType::string_list, .default_value = "[text/html]"},
    {.name = "header_timeout",
     .type = OptionType::duration,
     .default_value = "10s",
     .maximum = "1h"},
    {.name = "max_header_size", .type = OptionType::size, .default_value = "16KiB"},
    {.name = "keep_alive", .type = OptionType::boolean, .default_value = "true"},
    {.name = "mode", .type = OptionType::choice, .choices = kModes},
};

constexpr ProtocolSpec kProtocols[] = {{.name = "echo"}, {.name = "http", .options = kOptions}};

void require(bool condition) {
  if (!condition) std::abort();
}

void check(const config::Diagnostic& diagnostic, std::string_view text) {
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
  require(diagnostic.line <= lines);
  require((diagnostic.line == 0) == (diagnostic.column == 0));
  require(diagnostic.column <= text.size() + 1);
  require(!diagnostic.message.empty());
  require(diagnostic.excerpt.size() < 1'000);
}

bool can_steer_a_terminal(char c) { return (c >= 0 && c < 0x20 && c != '\n') || c == 0x7F; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const config::LoadResult result = config::load(text, "/etc/simul.yaml", kProtocols);
  if (result) {
    require(!result->listeners.empty());
    return 0;
  }
  require(!result.error().empty());
  for (const config::Diagnostic& diagnostic : result.error())
    check(diagnostic, text);
  require(std::ranges::none_of(config::render(result.error()), can_steer_a_terminal));
  return 0;
}
