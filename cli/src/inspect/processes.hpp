// Which processes have an inspector, and which one the user means.
//
//   std::string path = find_inspector("4711");     // or a path
//   for (const Process& process : processes()) ... // all that this user may look at
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace simul::cli {

struct Process {
  pid_t pid = 0;
  std::string path;     // of its socket
  nlohmann::json info;  // what it says of itself
};

/// Sorted by their ids. For root those of all users. Removes sockets of this user that a killed process has left behind.
[[nodiscard]] std::vector<Process> processes();

/// The socket of a process (its id, or the socket itself). Throws InspectError.
[[nodiscard]] std::string find_inspector(const std::string& target);

/// A table of them.
[[nodiscard]] std::string to_text(const std::vector<Process>& processes);

/// For a command that needs one: of `target`, or of the only process if that is empty. If there are several they are
/// listed on stderr and the result is empty. Throws InspectError if there is none.
[[nodiscard]] std::string choose_inspector(const std::string& target);

}  // namespace simul::cli
