// Statistics: what a loop has served. Each loop counts its own, without atomics; they are added up when
// somebody asks.
//
//   Statistics all; for (const Shard& shard : shards) all += shard.statistics();
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include <simul/connection.hpp>

#include "admit.hpp"

namespace simul::server {

struct Statistics {
  std::uint64_t accepted = 0;
  std::uint64_t current = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::array<std::uint64_t, 4> closed{};   ///< by CloseReason
  std::array<std::uint64_t, 4> refused{};  ///< by Refusal::Reason; those aren't among the accepted

  void count_bytes(const Connection& connection) noexcept {
    bytes_in += connection.bytes_received();
    bytes_out += connection.bytes_sent();
  }
  void count_close(CloseReason reason) noexcept { ++closed[static_cast<std::size_t>(reason)]; }
  void count_refusal(Refusal::Reason reason) noexcept {
    ++refused[static_cast<std::size_t>(reason)];
  }
  Statistics& operator+=(const Statistics& other) noexcept;

  /// "10000 connections served, peak 10000 at once, 640000 bytes in, 640000 bytes out, closed: ..."
  [[nodiscard]] std::string describe(std::uint32_t peak) const;
};

}  // namespace simul::server
