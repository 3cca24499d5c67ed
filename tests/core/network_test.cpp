#include <simul/network.hpp>

#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include <simul/endpoint.hpp>

using namespace simul;

namespace {

Network network(std::string_view text) {
  const auto parsed = Network::parse(text);
  REQUIRE_MESSAGE(parsed.has_value(), (parsed ? "" : parsed.error()));
  return *parsed;
}

std::string error_of(std::string_view text) {
  const auto parsed = Network::parse(text);
  return parsed ? "accepted as " + parsed->to_string() : parsed.error();
}

Endpoint at(std::string_view text) { return Endpoint::parse(text).value(); }

constexpr std::string_view kForms = "; expected 10.0.0.0/8, 2001:db8::/32 or one address";

}  // namespace

TEST_SUITE("network") {
  TEST_CASE("contains the addresses that share its prefix, and no others") {
    const Network ten = network("10.0.0.0/8");
    CHECK(ten.contains(at("10.0.0.0:1")));
    CHECK(ten.contains(at("10.255.255.255:65535")));
    CHECK_FALSE(ten.contains(at("9.255.255.255:1")));
    CHECK_FALSE(ten.contains(at("11.0.0.0:1")));

    const Network odd = network("192.168.4.0/22");  // ends in the middle of a byte
    CHECK(odd.contains(at("192.168.4.0:1")));
    CHECK(odd.contains(at("192.168.7.255:1")));
    CHECK_FALSE(odd.contains(at("192.168.3.255:1")));
    CHECK_FALSE(odd.contains(at("192.168.8.0:1")));

    const Network six = network("2001:db8:8000::/33");
    CHECK(six.contains(at("[2001:db8:8000::]:1")));
    CHECK(six.contains(at("[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:1")));
    CHECK_FALSE(six.contains(at("[2001:db8:7fff::]:1")));
    CHECK_FALSE(six.contains(at("[2001:db9:8000::]:1")));
  }

  TEST_CASE("one address is a network of its own") {
    CHECK(network("127.0.0.1") == network("127.0.0.1/32"));
    CHECK(network("127.0.0.1").contains(at("127.0.0.1:1")));
    CHECK_FALSE(network("127.0.0.1").contains(at("127.0.0.0:1")));
    CHECK(network("::1") == network("::1/128"));
    CHECK(network("::1").contains(at("[::1]:1")));
    CHECK_FALSE(network("::1").contains(at("[::]:1")));
  }

  TEST_CASE("the network of all addresses is one of its family") {
    CHECK(network("0.0.0.0/0").contains(at("255.255.255.255:1")));
    CHECK(network("0.0.0.0/0").contains(at("0.0.0.0:1")));
    CHECK_FALSE(network("0.0.0.0/0").contains(at("[::1]:1")));
    CHECK(network("::/0").contains(at("[ffff::1]:1")));
    CHECK_FALSE(network("::/0").contains(at("127.0.0.1:1")));
  }

  TEST_CASE("an IPv4 address within IPv6 is in IPv4 networks") {
    CHECK(network("10.0.0.0/8").contains(at("[::ffff:10.1.2.3]:1")));
    CHECK_FALSE(network("10.0.0.0/8").contains(at("[::ffff:11.1.2.3]:1")));
    CHECK_FALSE(network("::/0").contains(at("[::ffff:10.1.2.3]:1")));
    CHECK(network("::ffff:10.0.0.0/104") == network("10.0.0.0/8"));
    CHECK(network("::ffff:0.0.0.0/96").to_string() == "0.0.0.0/0");
  }

  TEST_CASE("what has no address is in no network") {
    for (const std::string_view all : {"0.0.0.0/0", "::/0"}) {
      CHECK_FALSE(network(all).contains(Endpoint::local("/run/a.sock")));
      CHECK_FALSE(network(all).contains(Endpoint()));
    }
  }

  TEST_CASE("its text is the canonical one, and parses to the same") {
    CHECK(network("10.0.0.0/8").to_string() == "10.0.0.0/8");
    CHECK(network("10.0.0.1").to_string() == "10.0.0.1/32");
    CHECK(network("2001:DB8:0:0::/32").to_string() == "2001:db8::/32");
    CHECK(network("::/0").to_string() == "::/0");
    for (const std::string_view text : {"0.0.0.0/0", "128.0.0.0/1", "1.2.3.4/31", "fe80::/10"}) {
      CHECK(network(text).to_string() == text);
    }
    CHECK(network("10.0.0.0/8") != network("10.0.0.0/9"));
    CHECK(network("10.0.0.0/8") != network("11.0.0.0/8"));
  }

  TEST_CASE("bits beyond the prefix are an error that names the network") {
    const std::string beyond = "the address has bits beyond its prefix; the network is ";
    CHECK(error_of("10.1.2.3/8") == beyond + "10.0.0.0/8");
    CHECK(error_of("1.2.3.4/0") == beyond + "0.0.0.0/0");
    CHECK(error_of("192.168.7.0/22") == beyond + "192.168.4.0/22");
    CHECK(error_of("2001:db8::1/64") == beyond + "2001:db8::/64");
    CHECK(error_of("::ffff:10.1.2.3/104") == beyond + "10.0.0.0/8");
  }

  TEST_CASE("an error says what is wrong and what would be right") {
    for (const std::string_view host : {"", "localhost", "*", "10.0.0", "10.0.0.256", "010.0.0.1",
                                        "[::1]", "fe80::1%lo", "10.0.0.1:80", " 10.0.0.1"}) {
      CAPTURE(host);
      CHECK(error_of(host) ==
            "'" + std::string(host) + "' is not an IP address" + std::string(kForms));
    }
    CHECK(error_of(std::string_view("10.0.0.1\0x/32", 13)) ==
          "'10.0.0.1\\x00x' is not an IP address" + std::string(kForms));
    for (const std::string_view prefix : {"", "x", "8x", "-1", "+8", " 8", "255.0.0.0", "8/8"}) {
      CAPTURE(prefix);
      CHECK(error_of("10.0.0.0/" + std::string(prefix)) ==
            "the prefix is not a number" + std::string(kForms));
    }
    CHECK(error_of("10.0.0.0/33") == "the prefix of an IPv4 network is at most 32");
    CHECK(error_of("10.0.0.0/99999999999") == "the prefix of an IPv4 network is at most 32");
    CHECK(error_of("::/129") == "the prefix of an IPv6 network is at most 128");
  }
}
