#include <simul/log_throttle.hpp>

#include <chrono>
#include <new>
#include <string>

#include <doctest/doctest.h>

#include "captured_log.hpp"

namespace {

using namespace std::chrono_literals;
using simul::LogLevel;
using simul::LogThrottle;
using simul::TimePoint;

TEST_CASE("a few lines a second get through, the others are counted") {
  LogThrottle throttle;
  const TimePoint start(1h);
  std::uint32_t written = 0;
  for (int i = 0; i < 100; ++i) {
    written += throttle.admit(start) ? 1 : 0;
  }
  CHECK(written == LogThrottle::kLinesPerSecond);
  CHECK_FALSE(throttle.admit(start + 999ms));
  CHECK(throttle.admit(start + 1s));
  CHECK(throttle.take_suppressed() == " (and 96 more like it)");
  CHECK(throttle.take_suppressed().empty());
}

TEST_CASE("the first line is never held back, whatever the time is") {
  LogThrottle throttle;
  CHECK(throttle.admit(TimePoint{}));
  CHECK(throttle.take_suppressed().empty());
}

TEST_CASE("a line that can't be made is left out, and counted") {
  const simul::server::testing::CapturedLog log;
  LogThrottle throttle;
  const TimePoint start(1h);
  throttle.log(start, LogLevel::warning, []() -> std::string { throw std::bad_alloc(); });
  throttle.log(start, LogLevel::warning, [] { return std::string("the next"); });
  CHECK(log.has("the next (and 1 more like it)"));
}

}  // namespace
