// Which processes have an inspector, and which one the user means.
//
//   InspectorAddress address = find_inspector("4711");  // or a path
//   for (const Process& process : processes()) ...      // all that this user may look at
//
// Sockets are believed to be what they are called only in folders of their user alone: in /tmp anybody may make one.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "inspect/inspector_client.hpp"

namespace simul::cli {

struct Process {
  pid_t pid = 0;
  InspectorAddress address;
  nlohmann::json info;  // what it says of itself
};

/// Sorted by their ids. For root those of all users. Passes over what isn't an inspector. Removes sockets of this user that a killed process has left behind.
[[nodiscard]] std::vector<Process> processes();

/// The socket of a process (its id, or the socket itself). Throws InspectError.
[[nodiscard]] InspectorAddress find_inspector(const std::string& target);

/// A table of them.
[[nodiscard]] std::string to_text(const std::vector<Process>& processes);

/// For a command that needs one: of `target`, or of the only process if that is empty. If there are several they are
/// listed on stderr and there is no result. Throws InspectError if there is none.
[[nodiscard]] std::optional<InspectorAddress> choose_inspector(const std::string& target);

}  // namespace simul::cli
