#include <simul/proxy_header.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <simul/endpoint.hpp>

#include "proxy/crc32c.hpp"

using namespace simul;
using namespace std::string_literals;

namespace {

using Family = Endpoint::Family;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string from_hex(std::string_view digits) {
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

/// Version 2: the byte of version and command, that of the family, and what follows them.
std::string v2(int command, int family, const std::string& block) {
  return kSignature + static_cast<char>(command) + static_cast<char>(family) +
         static_cast<char>(block.size() >> 8) + static_cast<char>(block.size() & 0xff) + block;
}

std::string tlv(int type, const std::string& value) {
  return ""s + static_cast<char>(type) + static_cast<char>(value.size() >> 8) +
         static_cast<char>(value.size() & 0xff) + value;
}

/// 192.0.2.1:258 to 192.0.2.2:443
const std::string kTcp4 = "\xc0\x00\x02\x01\xc0\x00\x02\x02\x01\x02\x01\xbb"s;

std::string path(const std::string& name) { return name + std::string(108 - name.size(), '\0'); }

/// What parsing it gives, and every shorter beginning asks for more: so it is with a good header.
ProxyHeader header_of(const std::string& bytes) {
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    const auto some = parse_proxy_header(as_bytes(bytes).first(size));
    REQUIRE(some.has_value());
    REQUIRE_FALSE(some->has_value());
  }
  auto parsed = parse_proxy_header(as_bytes(bytes));
  REQUIRE_MESSAGE(parsed.has_value(), (parsed ? "" : parsed.error().message()));
  REQUIRE(parsed->has_value());
  CHECK((*parsed)->size == bytes.size());
  const std::string more = bytes + "GET /";
  CHECK(parse_proxy_header(as_bytes(more)).value().value().header == (*parsed)->header);
  CHECK(parse_proxy_header(as_bytes(more)).value().value().size == bytes.size());
  return std::move((*parsed)->header);
}

std::error_code error_of(const std::string& bytes) {
  const auto parsed = parse_proxy_header(as_bytes(bytes));
  return parsed ? std::error_code() : parsed.error();
}

/// How many bytes it takes until they are refused, and as what.
struct Refusal {
  std::size_t size;
  std::error_code error;
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

Refusal refusal_of(const std::string& bytes) {
  const std::error_code whole = error_of(bytes);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    CAPTURE(size);
    if (const std::error_code error = error_of(bytes.substr(0, size))) {
      CHECK(error == whole);
      return {size, error};
    }
  }
  return {0, {}};
}

Endpoint at(std::string_view text) { return Endpoint::parse(text).value(); }

bool says_nothing(const ProxyHeader& header) {
  return header.source.family() == Family::unspecified &&
         header.destination.family() == Family::unspecified;
}

}  // namespace

TEST_SUITE("proxy header, version 1") {
  TEST_CASE("a TCP line says who speaks to whom") {
    const ProxyHeader four = header_of("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n");
    CHECK_FALSE(four.local);
    CHECK(four.source == at("192.0.2.1:56324"));
    CHECK(four.destination == at("198.51.100.7:443"));
    CHECK(four.tlvs.empty());
    const ProxyHeader six = header_of("PROXY TCP6 2001:DB8::1 ::1 0 65535\r\n");
    CHECK(six.source == at("[2001:db8::1]:0"));
    CHECK(six.destination == at("[::1]:65535"));
    const ProxyHeader mapped = header_of("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c000:202 1 2\r\n");
    CHECK(mapped.source == at("192.0.2.1:1"));
    CHECK(mapped.destination == at("192.0.2.2:2"));
  }

  TEST_CASE("UNKNOWN says nothing, whatever stands behind it") {
    for (const char* rest : {"", " ", " who knows", " TCP4 1.2.3.4 1.2.3.4 1 2", "  \x01\xff \t"}) {
      const ProxyHeader header = header_of("PROXY UNKNOWN"s + rest + "\r\n");
      CHECK(says_nothing(header));
      CHECK_FALSE(header.local);
    }
    CHECK(says_nothing(header_of("PROXY UNKNOWN a\0b\r\n"s)));
  }

  TEST_CASE("a line is as the protocol has it, to the character") {
    for (const char* line : {
             "PROXY \r\n",
             "PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
             "PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n",
             "PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n",
             "PROXY TCP 1.2.3.4 1.2.3.4 1 2\r\n",
             "PROXY TCP44 1.2.3.4 1.2.3.4 1 2\r\n",
             "PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
             "PROXY UNKNOW\r\n",
             "PROXY UNKNOWNS\r\n",
             "PROXY TCP4\r\n",
             "PROXY TCP4 \r\n",
             "PROXY TCP4 1.2.3.4\r\n",
             "PROXY TCP4 1.2.3.4 1.2.3.4\r\n",
             "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
             "PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n",
             "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n",
             "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n",
             "PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n",
             "PROXY TCP4 1.2.3.4\t1.2.3.4 1 2\r\n",
             "PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n",
             "PROXY TCP4 1.2.3.4.5 1.2.3.4 1 2\r\n",
             "PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n",
             "PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n",
             "PROXY TCP4 ::1 ::1 1 2\r\n",
             "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n",
             "PROXY TCP6 ::1 1.2.3.4 1 2\r\n",
             "PROXY TCP6 [::1] ::1 1 2\r\n",
             "PROXY TCP6 fe80::1%lo ::1 1 2\r\n",
             "PROXY TCP6 ::1::2 ::1 1 2\r\n",
             "PROXY TCP6 12345::1 ::1 1 2\r\n",
             "PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n",
             "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n",
             "PROXY TCP4 1.2.3.4 1.2.3.4 1 99999999999999999999\r\n",
             "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n",
             "PROXY TCP4 1.2.3.4 1.2.3.4 1 00\r\n",
             "PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n",
             "PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n",
             "PROXY TCP4 1.2.3.4 1.2.3.4 1 0x2\r\n",
             "PROXY TCP6 ::1 ::1 a b\r\n",
         }) {
      CAPTURE(line);
      CHECK(refusal_of(line).error == ProxyErrc::malformed_line);
    }
    CHECK(error_of("PROXY TCP4 1.2.3.4\0 1.2.3.4 1 2\r\n"s) == ProxyErrc::malformed_line);
  }

  TEST_CASE("only CR and LF end a line") {
    for (const char* line :
         {"PROXY UNKNOWN\n", "PROXY UNKNOWN\r \n", "PROXY UNKNOWN a\nb\r\n",
          "PROXY UNKNOWN a\rb\r\n", "PROXY UNKNOWN\r\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n"}) {
      CAPTURE(line);
      CHECK(refusal_of(line).error == ProxyErrc::malformed_line);
    }
  }

  TEST_CASE("a line has 107 bytes at the most, and the one before the last has to be the CR") {
    const std::string longest = "PROXY UNKNOWN " + std::string(91, 'x') + "\r\n";
    REQUIRE(longest.size() == 107);
    CHECK(says_nothing(header_of(longest)));
    const std::string longer = "PROXY UNKNOWN " + std::string(92, 'x') + "\r\n";
    CHECK(refusal_of(longer) == Refusal{106, ProxyErrc::line_too_long});
    CHECK(refusal_of(longer + std::string(1000, 'x')) == Refusal{106, ProxyErrc::line_too_long});
    const std::string full = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    CHECK(header_of("PROXY TCP6 " + full + " " + full + " 65535 65535\r\n").source ==
          at("[" + full + "]:65535"));
  }

  TEST_CASE("what can't become a line is refused at the first byte that shows it") {
    CHECK(refusal_of("GET / HTTP/1.1\r\n") == Refusal{1, ProxyErrc::missing});
    CHECK(refusal_of("PROPFIND / HTTP/1.1\r\n") == Refusal{4, ProxyErrc::missing});
    CHECK(refusal_of("PROXY\r\n") == Refusal{6, ProxyErrc::missing});
    CHECK(refusal_of("PROXYTCP4 ") == Refusal{6, ProxyErrc::missing});
    CHECK(refusal_of("PROXY /index") == Refusal{7, ProxyErrc::malformed_line});
    CHECK(refusal_of("PROXY TCP5 ") == Refusal{10, ProxyErrc::malformed_line});
    CHECK(refusal_of("PROXY TCP ") == Refusal{10, ProxyErrc::malformed_line});
    CHECK(refusal_of("PROXY TCP4 localhost") == Refusal{12, ProxyErrc::malformed_line});
    CHECK(refusal_of("PROXY TCP4 f") == Refusal{12, ProxyErrc::malformed_line});
    CHECK(refusal_of("PROXY UNKNOWNX") == Refusal{14, ProxyErrc::malformed_line});
    CHECK(refusal_of("PROXY UNKNOWN\n") == Refusal{14, ProxyErrc::malformed_line});
    CHECK(refusal_of("PROXY UNKNOWN\rX") == Refusal{15, ProxyErrc::malformed_line});
  }

  TEST_CASE("what is written is read") {
    CHECK(proxy_header_v1({.source = at("1.2.3.4:5"), .destination = at("6.7.8.9:65535")}) ==
          "PROXY TCP4 1.2.3.4 6.7.8.9 5 65535\r\n");
    CHECK(proxy_header_v1({.source = at("[::1]:0"), .destination = at("[2001:db8::]:1")}) ==
          "PROXY TCP6 ::1 2001:db8:: 0 1\r\n");
    const ProxyHeader mixed{.source = at("1.2.3.4:5"), .destination = at("[::1]:6")};
    CHECK(proxy_header_v1(mixed) == "PROXY TCP6 ::ffff:1.2.3.4 ::1 5 6\r\n");
    CHECK(header_of(proxy_header_v1(mixed)) == mixed);
  }

  TEST_CASE("what the line can't say is UNKNOWN") {
    const std::string unknown = "PROXY UNKNOWN\r\n";
    CHECK(proxy_header_v1({}) == unknown);
    CHECK(proxy_header_v1({.local = true}) == unknown);
    CHECK(proxy_header_v1({.source = Endpoint::local("/a"), .destination = Endpoint::local("")}) ==
          unknown);
    CHECK(proxy_header_v1({.tlvs = {{.type = ProxyTlv::kAuthority, .value = "a"}}}) == unknown);
    CHECK_THROWS_AS((void)proxy_header_v1({.source = at("1.2.3.4:5")}), std::invalid_argument);
  }
}

TEST_SUITE("proxy header, version 2") {
  TEST_CASE("a header says who speaks to whom") {
    const ProxyHeader four = header_of(v2(0x21, 0x11, kTcp4));
    CHECK_FALSE(four.local);
    CHECK(four.source == at("192.0.2.1:258"));
    CHECK(four.destination == at("192.0.2.2:443"));
    const std::string one = std::string(15, '\0') + '\1';
    const std::string two = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + '\2';
    const ProxyHeader six = header_of(v2(0x21, 0x21, one + two + "\xff\xff\0\1"s));
    CHECK(six.source == at("[::1]:65535"));
    CHECK(six.destination == at("[2001:db8::2]:1"));
    const std::string mapped = std::string(10, '\0') + "\xff\xff\x01\x02\x03\x04";
    CHECK(header_of(v2(0x21, 0x21, mapped + one + "\0\1\0\2"s)).source == at("1.2.3.4:1"));
  }

  TEST_CASE("what HAProxy sends is understood, byte for byte") {
    // Its health check.
    const ProxyHeader check = header_of(from_hex("0d0a0d0a000d0a515549540a20000000"));
    CHECK(check.local);
    CHECK(says_nothing(check));
    // A client of 172.19.0.1.
    const ProxyHeader client =
        header_of(from_hex("0d0a0d0a000d0a515549540a2111000cac130001ac130003a6520050"));
    CHECK(client.source == at("172.19.0.1:42578"));
    CHECK(client.destination == at("172.19.0.3:80"));
  }

  TEST_CASE("a Unix path ends at its NUL, an abstract one where the padding begins") {
    const std::string longest(108, 'x');
    const auto paths = [](const std::string& source, const std::string& destination) {
      return header_of(v2(0x21, 0x31, source + destination));
    };
    const ProxyHeader named = paths(path("/run/a.sock"), longest);
    CHECK(named.source == Endpoint::local("/run/a.sock"));
    CHECK(named.destination == Endpoint::local(longest));
    CHECK(paths(path("/a\0rubbish"s), path("")).source == Endpoint::local("/a"));
    CHECK(paths(path("/a"), path("")).destination == Endpoint::local(""));
    CHECK(paths(path("\0name"s), path("\0a\0b"s)).source == Endpoint::local("\0name"s));
    CHECK(paths(path("\0name"s), path("\0a\0b"s)).destination == Endpoint::local("\0a\0b"s));
  }

  TEST_CASE("LOCAL is accepted with any family, and what follows is thrown away") {
    for (int family = 0; family < 256; ++family) {
      CAPTURE(family);
      for (const std::string& block : {""s, "x"s, kTcp4, tlv(0x03, "0000"), tlv(0x01, "a")}) {
        const ProxyHeader header = header_of(v2(0x20, family, block));
        CHECK(header.local);
        CHECK(says_nothing(header));
        CHECK(header.tlvs.empty());
      }
    }
  }

  TEST_CASE("datagrams and UNSPEC say nothing, but may have TLVs") {
    const std::string name = tlv(ProxyTlv::kAuthority, "example.org");
    for (const auto& [family, size] : {std::pair{0x00, 0}, {0x12, 12}, {0x22, 36}, {0x32, 216}}) {
      CAPTURE(family);
      const ProxyHeader header =
          header_of(v2(0x21, family, std::string(static_cast<std::size_t>(size), 'x') + name));
      CHECK_FALSE(header.local);
      CHECK(says_nothing(header));
      REQUIRE(header.find(ProxyTlv::kAuthority) != nullptr);
      CHECK(*header.find(ProxyTlv::kAuthority) == "example.org");
    }
  }

  TEST_CASE("only version 2, LOCAL and PROXY, and the families that there are") {
    for (int byte = 0; byte < 256; ++byte) {
      CAPTURE(byte);
      const Refusal refusal = refusal_of(v2(byte, 0x00, ""));
      if (byte >> 4 != 2) {
        CHECK(refusal == Refusal{13, ProxyErrc::version});
      } else if ((byte & 0xf) > 1) {
        CHECK(refusal == Refusal{13, ProxyErrc::command});
      } else {
        CHECK_FALSE(refusal.error);
      }
    }
    const auto known = {0x00, 0x11, 0x12, 0x21, 0x22, 0x31, 0x32};
    for (int byte = 0; byte < 256; ++byte) {
      CAPTURE(byte);
      const Refusal refusal = refusal_of(v2(0x21, byte, std::string(216, '\0')));
      if (std::ranges::find(known, byte) == known.end()) {
        CHECK(refusal == Refusal{14, ProxyErrc::family});
      } else {
        CHECK(refusal.error != ProxyErrc::family);
      }
    }
  }

  TEST_CASE("there has to be room for the addresses") {
    for (const auto& [family, size] :
         {std::pair{0x11, 12}, {0x12, 12}, {0x21, 36}, {0x22, 36}, {0x31, 216}, {0x32, 216}}) {
      CAPTURE(family);
      const auto just = static_cast<std::size_t>(size);
      CHECK_FALSE(header_of(v2(0x21, family, std::string(just, 'x'))).local);
      CHECK(refusal_of(v2(0x21, family, std::string(just - 1, 'x'))) ==
            Refusal{16, ProxyErrc::too_short});
      CHECK(refusal_of(v2(0x21, family, "")) == Refusal{16, ProxyErrc::too_short});
    }
  }

  TEST_CASE("a header over the limit is refused before it has come") {
    const std::string most = tlv(0xE0, std::string(kProxyHeaderLimit - 19, 'x'));
    const auto parsed = parse_proxy_header(as_bytes(v2(0x21, 0x00, most)));
    REQUIRE(parsed.has_value());
    CHECK(parsed->value().size == kProxyHeaderLimit);
    for (const int command : {0x20, 0x21}) {
      const std::string over = v2(command, 0x00, std::string(kProxyHeaderLimit - 15, 'x'));
      CHECK(refusal_of(over.substr(0, 20)) == Refusal{16, ProxyErrc::too_long});
      CHECK(error_of(over) == ProxyErrc::too_long);
    }
  }

  TEST_CASE("TLVs come in order, without those that only pad") {
    const ProxyHeader header =
        header_of(v2(0x21, 0x11,
                     kTcp4 + tlv(0xE5, "one") + tlv(ProxyTlv::kNoop, "pad") + tlv(0x99, "") +
                         tlv(ProxyTlv::kNoop, "") + tlv(0xE5, "\0two"s) +
                         tlv(ProxyTlv::kUniqueId, std::string(128, 'u'))));
    CHECK(header.tlvs == std::vector<ProxyTlv>{{.type = 0xE5, .value = "one"},
                                               {.type = 0x99, .value = ""},
                                               {.type = 0xE5, .value = "\0two"s},
                                               {.type = 0x05, .value = std::string(128, 'u')}});
    REQUIRE(header.find(0xE5) != nullptr);
    CHECK(*header.find(0xE5) == "one");
    CHECK(header.find(ProxyTlv::kSsl) == nullptr);
  }

  TEST_CASE("TLVs have to end where the header ends") {
    const auto with = [](const std::string& tlvs) { return v2(0x21, 0x11, kTcp4 + tlvs); };
    for (const std::string& bad : {"\1"s, "\1\0"s, "\1\0\1"s, "\1\1\0a"s, "\4\0\1"s,
                                   tlv(1, "a") + "\0"s, tlv(1, "abc") + "\1\xff\xff"s}) {
      CHECK(error_of(with(bad)) == ProxyErrc::tlv);
      CHECK(error_of(v2(0x21, 0x00, bad)) == ProxyErrc::tlv);
    }
    CHECK(error_of(with(tlv(ProxyTlv::kUniqueId, std::string(129, 'u')))) == ProxyErrc::unique_id);
    std::string many;
    for (int i = 0; i < 64; ++i) {
      many += tlv(0xE0, "");
    }
    CHECK(parse_proxy_header(as_bytes(with(many))).has_value());
    CHECK(error_of(with(many + tlv(0xE0, ""))) == ProxyErrc::tlv);
    CHECK_THROWS_AS((void)proxy_header_v2({.tlvs = std::vector<ProxyTlv>(65)}), std::length_error);
  }

  TEST_CASE("CRC-32C is the one of RFC 3720") {
    CHECK(detail::crc32c("") == 0);
    CHECK(detail::crc32c("123456789") == 0xe3069283);
    CHECK(detail::crc32c("56789", detail::crc32c("1234")) == 0xe3069283);
    CHECK(detail::crc32c(std::string(32, '\0')) == 0x8a9136aa);
  }

  TEST_CASE("a checksum holds for every byte of the header, wherever it stands") {
    // Calculated elsewhere, bit by bit: the checksum behind the name, and before it.
    for (const std::string_view digits :
         {"0d0a0d0a000d0a515549540a21110021c0000201c0000202dc0401bb02000b6578616d706c652e636f6d"
          "0300046e5af331",
          "0d0a0d0a000d0a515549540a21110021c0000201c0000202dc0401bb0300041957bd0602000b6578616d"
          "706c652e636f6d"}) {
      const std::string good = from_hex(digits);
      const ProxyHeader header = header_of(good);
      CHECK(header.source == at("192.0.2.1:56324"));
      CHECK(header.tlvs ==
            std::vector<ProxyTlv>{{.type = ProxyTlv::kAuthority, .value = "example.com"}});
      const std::size_t name = good.find("example.com");
      const std::size_t checksum = good.find("\3\0\4"s) + 3;
      for (const auto& [begin, end] : {std::pair<std::size_t, std::size_t>{16, 28},
                                       {name, name + 11},
                                       {checksum, checksum + 4}}) {
        for (std::size_t bit = 8 * begin; bit < 8 * end; ++bit) {
          std::string bad = good;
          bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
          CHECK(error_of(bad) == ProxyErrc::checksum);
        }
      }
    }
  }

  TEST_CASE("a checksum has 32 bits and comes once") {
    const auto with = [](const std::string& tlvs) { return v2(0x21, 0x11, kTcp4 + tlvs); };
    CHECK(error_of(with(tlv(ProxyTlv::kCrc32c, "1234"))) == ProxyErrc::checksum);
    for (const char* wrong : {"", "123", "12345", "12345678"}) {
      CHECK(error_of(with(tlv(ProxyTlv::kCrc32c, wrong))) == ProxyErrc::checksum);
    }
    std::string twice = with(tlv(ProxyTlv::kCrc32c, "\0\0\0\0"s) + tlv(ProxyTlv::kCrc32c, "1234"));
    const std::uint32_t right = detail::crc32c(twice);
    for (std::size_t i = 0; i < 4; ++i) {
      twice[31 + i] = static_cast<char>(right >> (24 - 8 * i));
    }
    CHECK(error_of(twice) == ProxyErrc::checksum);
  }

  TEST_CASE("what is written is read") {
    const std::vector<std::pair<Endpoint, Endpoint>> pairs{
        {Endpoint(), Endpoint()},
        {at("1.2.3.4:5"), at("6.7.8.9:65535")},
        {at("[::1]:0"), at("[2001:db8::]:443")},
        {at("1.2.3.4:5"), at("[2001:db8::]:443")},
        {Endpoint::local("/run/a.sock"), Endpoint::local("")},
        {Endpoint::local("\0abstract"s), Endpoint::local(std::string(108, 'x'))},
    };
    const std::vector<std::vector<ProxyTlv>> sets{
        {},
        {{.type = ProxyTlv::kAlpn, .value = "h2"}, {.type = 0xEA, .value = "\0\xff"s}},
        {{.type = ProxyTlv::kUniqueId, .value = std::string(128, '\0')}, {.type = 0, .value = ""}},
        {{.type = 0xE0, .value = std::string(15'000, 'x')}},
    };
    for (const auto& [source, destination] : pairs) {
      for (const auto& tlvs : sets) {
        const ProxyHeader header{.source = source, .destination = destination, .tlvs = tlvs};
        for (const ProxyChecksum checksum : {ProxyChecksum::none, ProxyChecksum::crc32c}) {
          const std::string bytes = proxy_header_v2(header, checksum);
          const auto parsed = parse_proxy_header(as_bytes(bytes));
          REQUIRE(parsed.has_value());
          REQUIRE(parsed->has_value());
          CHECK((*parsed)->size == bytes.size());
          CHECK((*parsed)->header == header);
        }
      }
    }
    CHECK(proxy_header_v2({.source = at("192.0.2.1:258"), .destination = at("192.0.2.2:443")}) ==
          v2(0x21, 0x11, kTcp4));
    CHECK(proxy_header_v2({.source = at("192.0.2.1:56324"),
                           .destination = at("192.0.2.2:443"),
                           .tlvs = {{.type = ProxyTlv::kAuthority, .value = "example.com"}}},
                          ProxyChecksum::crc32c) ==
          from_hex("0d0a0d0a000d0a515549540a21110021c0000201c0000202dc0401bb"
                   "02000b6578616d706c652e636f6d0300046e5af331"));
    for (const ProxyChecksum checksum : {ProxyChecksum::none, ProxyChecksum::crc32c}) {
      CHECK(proxy_header_v2({.local = true}, checksum) ==
            from_hex("0d0a0d0a000d0a515549540a20000000"));
    }
  }

  TEST_CASE("what can't be written is refused") {
    const auto write = [](const ProxyHeader& header) { (void)proxy_header_v2(header); };
    const auto paths = [](const std::string& source) {
      return ProxyHeader{.source = Endpoint::local(source), .destination = Endpoint::local("")};
    };
    const auto with = [](std::uint8_t type, std::size_t size) {
      return ProxyHeader{.tlvs = {{.type = type, .value = std::string(size, 'x')}}};
    };
    CHECK_THROWS_AS(write({.source = at("1.2.3.4:5")}), std::invalid_argument);
    CHECK_THROWS_AS(write({.source = at("1.2.3.4:5"), .destination = Endpoint::local("/a")}),
                    std::invalid_argument);
    CHECK_THROWS_AS(write(paths(std::string(109, 'x'))), std::length_error);
    CHECK_THROWS_AS(write(paths("/a\0b"s)), std::invalid_argument);
    CHECK_THROWS_AS(write(paths("\0a\0"s)), std::invalid_argument);
    CHECK_THROWS_AS(write(with(ProxyTlv::kCrc32c, 4)), std::invalid_argument);
    CHECK_THROWS_AS(write(with(ProxyTlv::kUniqueId, 129)), std::length_error);
    CHECK_THROWS_AS(write(with(0xE0, 0x10000)), std::length_error);
    CHECK_THROWS_AS(write(with(0xE0, kProxyHeaderLimit - 18)), std::length_error);
    CHECK_NOTHROW(write(with(0xE0, kProxyHeaderLimit - 19)));
  }
}

TEST_SUITE("proxy header") {
  TEST_CASE("other protocols are told from a header at their first different byte") {
    CHECK(refusal_of("\x16\x03\x01") == Refusal{1, ProxyErrc::missing});  // TLS
    CHECK(refusal_of("SSH-2.0-") == Refusal{1, ProxyErrc::missing});
    CHECK(refusal_of("\r\nGET /") == Refusal{3, ProxyErrc::missing});
    CHECK(refusal_of("\r\n\r\n\r\n") == Refusal{5, ProxyErrc::missing});
    const std::string good = v2(0x21, 0x00, "");
    for (std::size_t at_byte = 0; at_byte < 12; ++at_byte) {
      std::string bad = good;
      bad[at_byte] = '~';
      CHECK(refusal_of(bad) == Refusal{at_byte + 1, ProxyErrc::missing});
    }
  }

  TEST_CASE("nothing may become a header") { CHECK_FALSE(parse_proxy_header({}).value()); }

  TEST_CASE("each error has words of its own") {
    std::vector<std::string> messages;
    for (int code = 1; code <= static_cast<int>(ProxyErrc::checksum); ++code) {
      messages.push_back(std::error_code(static_cast<ProxyErrc>(code)).message());
      CHECK(messages.back().contains("PROXY header"));
    }
    std::ranges::sort(messages);
    CHECK(std::ranges::adjacent_find(messages) == messages.end());
    CHECK(std::error_code(99, proxy_category()).message() == "unknown error 99");
    CHECK(proxy_category().name() == std::string_view("proxy"));
  }
}
