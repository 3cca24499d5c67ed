// Is this text at all? What is checked about a file's bytes before anything looks for YAML in them.
#pragma once

#include "report.hpp"

namespace simul::config {

/// Reports the first byte that isn't UTF-8 text, or that the file is too large. False: don't go on.
bool check_encoding(const Source& source, Report& report);

}  // namespace simul::config
