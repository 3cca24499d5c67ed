#include "statistics.hpp"

#include <doctest/doctest.h>

namespace {

using simul::CloseReason;
using simul::server::Refusal;
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

TEST_CASE("connections that were not admitted are told by reason, if there were any") {
  Statistics statistics;
  statistics.count_refusal(Refusal::Reason::tls);
  statistics.count_refusal(Refusal::Reason::tls);
  statistics.count_refusal(Refusal::Reason::gone);
  Statistics all;
  all += statistics;
  CHECK(all.describe(0) ==
        "0 connections served, peak 0 at once, 0 bytes in, 0 bytes out, closed: 0 by the handler, "
        "0 failed, 0 idle timeout, 0 shutdown; not admitted: 2 TLS, 1 gone");
}

}  // namespace
