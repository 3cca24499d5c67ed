#include "descriptor_plan.hpp"

#include <sys/resource.h>

#include <string>

#include <fmt/format.h>

namespace simul::server {

std::string DescriptorPlan::describe() const {
  const std::string verdict =
      fits() ? "fits"
             : fmt::format(
                   "doesn't fit: lowered to {}; a limit of {} would do (ulimit -n, LimitNOFILE=)",
                   room(), overhead() + max_connections);
  return fmt::format(
      "descriptors: limit {} = reserved {} + listening sockets {} + being accepted {} + "
      "connections up "
      "to {}; max_connections {} {}",
      limit, reserved(), sockets, sockets, room(), max_connections, verdict);
}

std::uint64_t raise_descriptor_limit() noexcept {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t soft = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : soft;
}

}  // namespace simul::server
