// Where the runtime and the handlers say what an operator should know. One sink per process; the
// default one writes lines to stderr, `simul serve` puts its own in place.
//
//   log(LogLevel::warning, "upstream is slow");
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include <simul/export.hpp>

namespace simul {

enum class LogLevel : std::uint8_t { trace, debug, info, warning, error };

/// Must be callable from several threads at once.
using LogSink = std::function<void(LogLevel, std::string_view)>;

/// Thread: any.
SIMUL_EXPORT void log(LogLevel level, std::string_view message) noexcept;

/// Replaces the sink; an empty one restores the default. Thread: any, but not while others log.
SIMUL_EXPORT void set_log_sink(LogSink sink);

}  // namespace simul
