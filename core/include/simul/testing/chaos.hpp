// Chaos: what a network does to a stream on a bad day. All of it is allowed by the contract of a stream
// (resets are, too, but a program has to expect them), so a program that fails in it has a bug.
//
//   auto [near, far] = memory_stream_pair({.chaos = Chaos{.seed = 17}});
//
// Everything follows from the seed: the same program with the same seed sees the same chaos.
#pragma once

#include <chrono>
#include <cstdint>

#include <simul/clock.hpp>

namespace simul {

struct Chaos {
  std::uint64_t seed = 1;
  /// One attempt in so many moves less than it could; 0: none. Likewise below.
  unsigned splits = 2;
  /// An attempt says that it would block though it wouldn't; the wait is over at once then.
  unsigned false_blocks = 4;
  /// What was sent needs a while to arrive, up to `longest_delay`; the order stays.
  unsigned delays = 4;
  Duration longest_delay = std::chrono::milliseconds(20);
  /// Both ends are reset when so many bytes, or fewer, were sent in both directions together; 0: never.
  std::uint64_t reset_within = 0;
};

}  // namespace simul
