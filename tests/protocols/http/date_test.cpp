#include "http/date.hpp"

#include <ctime>
#include <string>

#include <doctest/doctest.h>

namespace simul::http {

TEST_CASE("dates are written as HTTP writes them") {
  const auto text = [](std::time_t time) {
    const DateText date = format_date(time);
    return std::string(date.data(), date.size());
  };
  CHECK(text(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(text(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(text(1709164799) == "Wed, 28 Feb 2024 23:59:59 GMT");
  CHECK(text(1709164800) == "Thu, 29 Feb 2024 00:00:00 GMT");
  CHECK(text(-1) == "Wed, 31 Dec 1969 23:59:59 GMT");
  CHECK(text(253402300799) == "Fri, 31 Dec 9999 23:59:59 GMT");
  CHECK(text(253402300800) == text(0));
}

}  // namespace simul::http
