// The descriptors of others that a loop watches now, because somebody waits for them (see watch_fd.hpp):
// the one who waits to read and the one who waits to write share a watch.
#pragma once

#include <system_error>
#include <unordered_map>

#include "watch.hpp"

namespace simul::detail {

class FdWatches {
 public:
  /// Does somebody wait for that already?
  [[nodiscard]] bool waits(int fd, FdWatch::Op op) const noexcept;
  /// Wakes `leaf` at the next `event`; `event` is what `op` waits for.
  std::error_code wait(Loop& loop, int fd, FdWatch::Op op, FdWatch::Event event, Leaf& leaf);
  void forget(int fd, FdWatch::Op op) noexcept;
  /// Ends the watch if nobody waits any more.
  void release(int fd) noexcept;

 private:
  std::unordered_map<int, FdWatch*> watches_;
};

}  // namespace simul::detail
