// A validated configuration: what `simul serve` runs from. The keys are those of the file; their
// defaults, bounds and meaning stand in one place, the tables in config/src/tables.hpp.
//
//   for (const ListenerSettings& listener : settings.listeners) bind(listener.address);
//
// Plain data without behaviour. It knows neither YAML nor positions in a file.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <simul/endpoint.hpp>
#include <simul/option.hpp>

namespace simul::config {

struct ServerSettings {
  std::optional<std::uint32_t> threads;  ///< none: one for each core
  std::uint32_t max_connections = 0;
  std::chrono::nanoseconds shutdown_timeout{0};
};

struct ListenerSettings {
  std::string name;  ///< unique
  Endpoint address;
  std::string protocol;
  std::chrono::nanoseconds idle_timeout{0};      ///< zero: never
  std::optional<std::uint32_t> max_connections;  ///< none: only the server's limit
  int backlog = 0;
  OptionValues options;  ///< of the protocol's table
};

enum class LogLevel : std::uint8_t { trace, debug, info, warning, error };
enum class LogFormat : std::uint8_t { text, json };

struct LogSettings {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
};

struct Settings {
  ServerSettings server;
  std::vector<ListenerSettings> listeners;  ///< at least one
  LogSettings log;
};

}  // namespace simul::config
