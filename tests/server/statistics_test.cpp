#include "statistics.hpp"

#include <doctest/doctest.h>

namespace {

using simul::CloseReason;
using simul::server::Statistics;

TEST_CASE("the loops' statistics add up to one line") {
  Statistics first{.accepted = 3, .current = 1, .bytes_in = 10, .bytes_out = 20};
  first.count_close(CloseReason::handler);
  first.count_close(CloseReason::idle_timeout);
  Statistics second{.accepted = 2, .bytes_in = 1, .bytes_out = 2};
  second.count_close(CloseReason::failed);
  second.count_close(CloseReason::shutdown);
  first += second;
  CHECK(first.current == 1);
  CHECK(
      first.describe(4) ==
      "5 connections served, peak 4 at once, 11 bytes in, 22 bytes out, closed: 1 by the handler, "
      "1 failed, 1 idle timeout, 1 shutdown");
}

}  // namespace
