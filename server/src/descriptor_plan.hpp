// DescriptorPlan: how many connections the limit of file descriptors leaves room for.
//
//   const DescriptorPlan plan{.limit = raise_descriptor_limit(), .loops = 4, .sockets = 8, ...};
//   log(LogLevel::info, plan.describe());
//
// The server stops accepting before the limit, so that a descriptor for a file, a log or an admin
// connection is always left.
#pragma once

#include <cstdint>
#include <string>

namespace simul::server {

struct DescriptorPlan {
  /// For everything that is no connection: stdio, files being served, libraries; and for each loop
  /// its epoll, timer and wake-up descriptors.
  static constexpr std::uint64_t kReserved = 64;
  static constexpr std::uint64_t kReservedPerLoop = 8;

  std::uint64_t limit = 0;  ///< RLIMIT_NOFILE
  std::uint64_t loops = 1;
  std::uint64_t sockets = 0;          ///< that listen
  std::uint32_t max_connections = 0;  ///< as configured

  [[nodiscard]] std::uint64_t reserved() const noexcept {
    return kReserved + kReservedPerLoop * loops;
  }
  /// All that is needed besides connections that are served. A listening socket counts twice: it may
  /// have a connection in hand that waits for max_connections.
  [[nodiscard]] std::uint64_t overhead() const noexcept { return reserved() + 2 * sockets; }
  /// What there is room for; may be zero.
  [[nodiscard]] std::uint64_t room() const noexcept {
    return limit > overhead() ? limit - overhead() : 0;
  }
  [[nodiscard]] bool fits() const noexcept { return max_connections <= room(); }
  /// max_connections, or the room if that is smaller.
  [[nodiscard]] std::uint32_t allowed_connections() const noexcept {
    return fits() ? max_connections : static_cast<std::uint32_t>(room());
  }
  /// The formula with its numbers, one line.
  [[nodiscard]] std::string describe() const;
};

/// Raises the soft limit to the hard one and gives it.
std::uint64_t raise_descriptor_limit() noexcept;

}  // namespace simul::server
