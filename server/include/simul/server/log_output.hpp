// Where the process's log lines go: to stderr, one line each, as text for people or JSON for machines.
//
//   server::write_log(settings.log);
//   log(LogLevel::info, "ready");     // 2025-11-20T11:49:00.123Z info    ready
//
// Control characters in a message are escaped, so that nobody whose bytes end up in one can forge a
// line or move a terminal's cursor.
#pragma once

#include <simul/config/settings.hpp>

namespace simul::server {

/// Replaces the process's log sink. Thread: any, but not while others log.
void write_log(const config::LogSettings& settings);

}  // namespace simul::server
