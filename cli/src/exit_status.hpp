// The exit statuses of `simul`, a promise to scripts and supervisors; docs/operations.md lists them.
#pragma once

namespace simul::cli {

inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;
/// The command line is wrong.
inline constexpr int kUsage = 2;
/// The configuration is wrong: EX_CONFIG of <sysexits.h>. Starting again won't help.
inline constexpr int kConfiguration = 78;

}  // namespace simul::cli
