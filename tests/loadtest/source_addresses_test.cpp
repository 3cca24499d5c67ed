#include "source_addresses.hpp"

#include <cstddef>
#include <string>

#include <doctest/doctest.h>

namespace {

using simul::Endpoint;
using simul::load::SourceAddresses;

Endpoint endpoint(const char* text) { return *Endpoint::parse(text); }

TEST_CASE("on loopback the kernel chooses the address until its ports are used up") {
  SourceAddresses sources({}, endpoint("127.0.0.1:7000"));
  auto choice = sources.choose();
  CHECK(sources.endpoint(choice).family() == Endpoint::Family::unspecified);
  REQUIRE(sources.choose_next(choice));
  CHECK(sources.endpoint(choice).to_string() == "127.0.0.2:0");
  SUBCASE("the next connection begins where this one has ended") {
    CHECK(sources.endpoint(sources.choose()).to_string() == "127.0.0.2:0");
  }
  SUBCASE("every address is tried, once") {
    std::size_t addresses = 2;
    while (sources.choose_next(choice)) {
      ++addresses;
    }
    CHECK(addresses == 254);
  }
}

TEST_CASE("elsewhere there is no second address by itself") {
  SourceAddresses sources({}, endpoint("192.0.2.1:7000"));
  auto choice = sources.choose();
  CHECK_FALSE(sources.choose_next(choice));
}

TEST_CASE("given addresses take turns") {
  SourceAddresses sources({endpoint("192.0.2.8:0"), endpoint("192.0.2.9:0")},
                          endpoint("192.0.2.1:7000"));
  CHECK(sources.endpoint(sources.choose()).to_string() == "192.0.2.8:0");
  CHECK(sources.endpoint(sources.choose()).to_string() == "192.0.2.9:0");
  auto choice = sources.choose();
  CHECK(sources.endpoint(choice).to_string() == "192.0.2.8:0");
  REQUIRE(sources.choose_next(choice));
  CHECK(sources.endpoint(choice).to_string() == "192.0.2.9:0");
  CHECK_FALSE(sources.choose_next(choice));
}

}  // namespace
