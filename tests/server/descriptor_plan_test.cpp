#include "descriptor_plan.hpp"

#include <sys/resource.h>

#include <doctest/doctest.h>

namespace {

using simul::server::DescriptorPlan;

TEST_CASE("what is left of the limit is for connections") {
  const DescriptorPlan plan{.limit = 20000, .loops = 2, .sockets = 4, .max_connections = 10000};
  CHECK(plan.room() == 20000 - (64 + 2 * 8) - 2 * 4);
  CHECK(plan.fits());
  CHECK(plan.allowed_connections() == 10000);
  CHECK(plan.describe() ==
        "descriptors: limit 20000 = reserved 80 + listening sockets 4 + being accepted 4 + "
        "connections up to 19912; max_connections 10000 fits");
}

TEST_CASE("connections that don't fit are lowered, and the line says what would do") {
  const DescriptorPlan plan{.limit = 256, .loops = 1, .sockets = 1, .max_connections = 10000};
  CHECK(plan.allowed_connections() == 182);
  CHECK(
      plan.describe().ends_with("max_connections 10000 doesn't fit: lowered to 182; a limit of "
                                "10074 would do (ulimit -n, LimitNOFILE=)"));
}

TEST_CASE("a plan that just fits, and one that is short by one") {
  DescriptorPlan plan{.limit = 174, .loops = 1, .sockets = 1, .max_connections = 100};
  CHECK(plan.fits());
  plan.limit = 173;
  CHECK_FALSE(plan.fits());
  CHECK(plan.allowed_connections() == 99);
}

TEST_CASE("a limit below the overhead leaves no room, and doesn't wrap around") {
  const DescriptorPlan plan{.limit = 10, .loops = 8, .sockets = 8, .max_connections = 1};
  CHECK(plan.room() == 0);
  CHECK(plan.allowed_connections() == 0);
}

TEST_CASE("raising gives the hard limit") {
  const std::uint64_t raised = simul::server::raise_descriptor_limit();
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  CHECK(limit.rlim_cur == limit.rlim_max);
  CHECK(raised == limit.rlim_cur);
}

}  // namespace
