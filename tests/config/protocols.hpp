// Protocol tables for the tests of the configuration: one option of every type, whatever the real
// protocols have.
#pragma once

#include <string_view>

#include <simul/protocol_spec.hpp>

namespace simul::config::testing {

inline constexpr std::string_view kModes[] = {"fast", "safe"};
inline constexpr std::string_view kOutputs[] = {"stdout"};

inline constexpr OptionSpec kHttpOptions[] = {
    {.name = "root", .type = OptionType::path, .help = "folder of files to serve"},
    {.name = "index", .default_value = "index.html", .help = "file served for a folder"},
    {.name = "routes", .type = OptionType::string_map, .help = "fixed answers by path"},
    {.name = "hosts", .type = OptionType::path_map, .help = "folders by host"},
    {.name = "record",
     .type = OptionType::path,
     .default_value = "off",
     .help = "where to",
     .choices = kOutputs,
     .unset = "off"},
    {.name = "types", .type = OptionType::string_list, .default_value = "[text/html]"},
    {.name = "header_timeout",
     .type = OptionType::duration,
     .default_value = "10s",
     .help = "time for a whole request header",
     .minimum = "1ms",
     .maximum = "1h"},
    {.name = "max_header_size",
     .type = OptionType::size,
     .default_value = "16KiB",
     .minimum = "1KiB",
     .maximum = "1MiB"},
    {.name = "keep_alive", .type = OptionType::boolean, .default_value = "true"},
    {.name = "mode", .type = OptionType::choice, .default_value = "safe", .choices = kModes},
};

inline constexpr OptionSpec kProxyOptions[] = {
    {.name = "target",
     .type = OptionType::string,
     .help = "host:port to connect to",
     .required = true},
};

inline constexpr ProtocolSpec kProtocols[] = {
    {.name = "echo", .help = "sends back what it receives"},
    {.name = "http", .help = "HTTP/1.1", .options = kHttpOptions},
    {.name = "proxy", .help = "passes bytes on", .options = kProxyOptions},
};

}  // namespace simul::config::testing
