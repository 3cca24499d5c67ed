#include <simul/server/log_output.hpp>

#include <memory>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>

#include <simul/log.hpp>

#include "stderr_sink.hpp"

namespace simul::server {
namespace {

template <typename Level>
spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::trace:
      return spdlog::level::trace;
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

/// The 8-bit controls too, as UTF-8 writes them: some terminals obey those.
std::string escape_controls(std::string_view message) {
  std::string line;
  line.reserve(message.size());
  for (std::size_t i = 0; i < message.size(); ++i) {
    const auto byte = static_cast<unsigned char>(message[i]);
    const auto next = static_cast<unsigned char>(i + 1 < message.size() ? message[i + 1] : 0);
    if (byte < 0x20 || byte == 0x7F) {
      line += fmt::format("\\x{:02x}", byte);
    } else if (byte == 0xC2 && next >= 0x80 && next < 0xA0) {
      line += fmt::format("\\x{:02x}", next);
      ++i;
    } else {
      line += message[i];
    }
  }
  return line;
}

std::string to_json(std::string_view message) {
  return nlohmann::json(message).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace

void write_log(const config::LogSettings& settings) {
  const bool json = settings.format == config::LogFormat::json;
  const std::string pattern = json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%v})"
                                   : "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v";
  const auto logger = std::make_shared<spdlog::logger>("simul", std::make_shared<StderrSink>());
  logger->set_level(to_spdlog(settings.level));
  logger->set_formatter(
      std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
  set_log_sink([logger, json](LogLevel level, std::string_view message) {
    if (logger->should_log(to_spdlog(level))) {
      logger->log(to_spdlog(level), "{}", json ? to_json(message) : escape_controls(message));
    }
  });
}

}  // namespace simul::server
