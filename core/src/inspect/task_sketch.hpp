// TaskSketch: what it takes to choose and to sort tasks, cheap to make: thousands are made on the loop's thread to show
// fifty. No text is composed for it unless a filter is to look for one; else that is left to who looks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <unordered_map>

#include <simul/call_graph.hpp>
#include <simul/clock.hpp>

namespace simul::detail {

/// Which coroutines are the library's own, remembered by the address of their names.
class MachineryCache {
 public:
  [[nodiscard]] bool contains(const std::source_location& site);

 private:
  std::unordered_map<const char*, bool> known_;
};

struct TaskSketch {
  std::uintptr_t id = 0;
  std::string name;                // that was set
  std::source_location outermost;  // of its coroutines; default: none is known
  std::source_location innermost;
  TaskActivity activity = TaskActivity::ready;
  const char* waits_for = "";  // "recv"
  Duration since{};
  std::uint32_t wake_ups = 0;
  Duration busy{};
  std::size_t frame_bytes = 0;
  // Only if asked for:
  std::string waits_for_in_full;  // "recv fd 12"
  std::string note;

  /// As TaskInfo::name.
  [[nodiscard]] std::string label() const;
};

}  // namespace simul::detail
