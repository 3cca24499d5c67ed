// Inspector: answers questions about the tasks of this process, on a Unix socket. It is where `simul ps`, `simul pstree`
// and `simul top` look.
//
//   int main() {
//     Inspector inspector;                 // a thread, and $XDG_RUNTIME_DIR/simul/PID.sock
//     run(program());
//   }
//
// Or nothing of that, and SIMUL_INSPECT=1 in the program's environment. `simul serve` makes one by itself. Only
// this user and root may ask. docs/runtime/watching.md describes what can be asked. It changes nothing: it
// neither ends tasks nor wakes them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <simul/export.hpp>

namespace simul {

namespace detail {
class InspectorThread;
}

struct InspectorOptions {
  /// Of the socket, in a folder that exists. Empty: PID.sock in the first of inspector_folders() that can
  /// be used, which is made if need be.
  std::string path;
  /// What the program counts, shown by name: {"connections", 12}. Called on the inspector's thread. If it throws,
  /// the client is told why, and the connection ends.
  std::function<std::vector<std::pair<std::string, std::uint64_t>>()> counters;
};

/// One per process. Thread: any.
class SIMUL_EXPORT Inspector {
 public:
  /// Throws std::logic_error if there is one already (but for that of SIMUL_INSPECT, which makes way), and
  /// std::system_error if the socket can't be made.
  explicit Inspector(InspectorOptions options = {});
  /// Removes the socket.
  ~Inspector();
  Inspector(const Inspector&) = delete;
  Inspector& operator=(const Inspector&) = delete;

  [[nodiscard]] const std::string& path() const noexcept;

 private:
  std::unique_ptr<detail::InspectorThread> thread_;
};

/// Where programs of a user put their sockets, the likeliest first: $XDG_RUNTIME_DIR/simul (of another user:
/// /run/user/UID/simul) and /tmp/simul-UID.
[[nodiscard]] SIMUL_EXPORT std::vector<std::string> inspector_folders(std::uint32_t user);

}  // namespace simul
