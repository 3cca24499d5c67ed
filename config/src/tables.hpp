// The sections of the file and their keys: the one table behind validation, defaults and reference.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include <simul/option.hpp>

namespace simul::config {

/// A map in the file.
struct SectionSpec {
  std::string_view name;
  std::string_view help;
  std::span<const OptionSpec> keys;
  /// Keys that hold a section or a list of sections, rather than a value.
  std::span<const std::string_view> subsections = {};
};

inline constexpr std::string_view kRootSubsections[] = {"server", "listeners", "log"};

inline constexpr OptionSpec kServerKeys[] = {
    {.name = "threads",
     .type = OptionType::integer,
     .default_value = "auto",
     .help = "event loops, each on a thread of its own; auto is one for each core",
     .minimum = "1",
     .maximum = "1024",
     .unset = "auto"},
    {.name = "max_connections",
     .type = OptionType::integer,
     .default_value = "10000",
     .help = "connections of all listeners together; further ones wait to be accepted",
     .minimum = "1",
     .maximum = "10000000"},
    {.name = "shutdown_timeout",
     .type = OptionType::duration,
     .default_value = "30s",
     .help = "time for connections to end by themselves before a stop ends them",
     .minimum = "0s",
     .maximum = "1d"},
};

inline constexpr OptionSpec kListenerKeys[] = {
    {.name = "name",
     .type = OptionType::string,
     .help =
         "unique; lower-case letters, digits, '-' and '_'; names the listener in logs and metrics",
     .required = true},
    {.name = "address",
     .type = OptionType::string,
     .help =
         "host:port, [v6]:port or unix:/path; the host is an IPv4 address, localhost, or * for all",
     .required = true},
    {.name = "protocol",
     .type = OptionType::string,
     .help = "what is spoken here: one of the protocols below",
     .required = true},
    {.name = "idle_timeout",
     .type = OptionType::duration,
     .default_value = "5m",
     .help = "a connection on which nothing moves for so long is closed; 0 is never",
     .minimum = "0s",
     .maximum = "365d"},
    {.name = "max_connections",
     .type = OptionType::integer,
     .default_value = "unlimited",
     .help = "connections of this listener; unlimited leaves only the limit of the server",
     .minimum = "1",
     .maximum = "10000000",
     .unset = "unlimited"},
    {.name = "backlog",
     .type = OptionType::integer,
     .default_value = "4096",
     .help =
         "connections that the kernel queues until they are accepted (net.core.somaxconn caps it)",
     .minimum = "1",
     .maximum = "65535"},
};

inline constexpr std::string_view kListenerSubsections[] = {"options"};

// In the order of the enums in settings.hpp.
inline constexpr std::array<std::string_view, 5> kLogLevels = {"trace", "debug", "info", "warning",
                                                               "error"};
inline constexpr std::array<std::string_view, 2> kLogFormats = {"text", "json"};

inline constexpr OptionSpec kLogKeys[] = {
    {.name = "level",
     .type = OptionType::choice,
     .default_value = "info",
     .help = "the least important messages that are logged",
     .choices = kLogLevels},
    {.name = "format",
     .type = OptionType::choice,
     .default_value = "text",
     .help = "text for people, json (an object per line) for machines",
     .choices = kLogFormats},
};

inline constexpr SectionSpec kRoot = {
    .name = "the file", .help = "", .keys = {}, .subsections = kRootSubsections};
inline constexpr SectionSpec kServer = {
    .name = "server", .help = "The whole process.", .keys = kServerKeys};
inline constexpr SectionSpec kListener = {
    .name = "listeners",
    .help = "A list: each item is an address and the protocol that is served there.",
    .keys = kListenerKeys,
    .subsections = kListenerSubsections};
inline constexpr SectionSpec kLog = {
    .name = "log", .help = "The server's own messages.", .keys = kLogKeys};

}  // namespace simul::config
