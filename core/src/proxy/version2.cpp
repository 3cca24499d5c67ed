// Version 2: the signature, version and command, family and transport, the length of what follows, the
// addresses, and TLVs.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include "crc32c.hpp"
#include "ip_address.hpp"
#include "versions.hpp"

namespace simul {
namespace {

using Family = Endpoint::Family;

constexpr std::size_t kFixed = 16;      // before the addresses
constexpr std::size_t kTlvHead = 3;     // type and length
constexpr std::size_t kPath = 108;      // of a Unix socket
constexpr std::size_t kChecksum = 4;    // the value of its TLV
constexpr std::size_t kMostTlvs = 64;   // an empty one takes three bytes there, and forty here
constexpr std::size_t kUniqueId = 128;  // at most
constexpr std::size_t kLongestValue = 0xffff;

constexpr std::uint8_t kVersion = 2;
enum : std::uint8_t { kLocal = 0, kProxy = 1 };

/// A family and transport, and the addresses that come with it. UNSPEC may come with addresses of any
/// length, which nobody could tell from TLVs; those who send it send none.
struct Kind {
  std::uint8_t code;
  Family family;
  std::size_t addresses;
};

constexpr std::array kKinds{
    Kind{0x00, Family::unspecified, 0},          // UNSPEC
    Kind{0x11, Family::ipv4, 12},                // TCP
    Kind{0x12, Family::unspecified, 12},         // UDP: as UNSPEC, but one knows what to skip
    Kind{0x21, Family::ipv6, 36},                // TCP
    Kind{0x22, Family::unspecified, 36},         // UDP
    Kind{0x31, Family::local, 2 * kPath},        // a stream
    Kind{0x32, Family::unspecified, 2 * kPath},  // datagrams
};

constexpr std::uint8_t to_byte(char c) { return static_cast<std::uint8_t>(c); }

std::uint32_t read_number(std::string_view bytes) {
  std::uint32_t number = 0;
  for (const char byte : bytes) {
    number = number << 8 | to_byte(byte);
  }
  return number;
}

void append_number(std::string& to, std::size_t number, std::size_t bytes) {
  while (bytes-- > 0) {
    to += static_cast<char>(number >> 8 * bytes & 0xff);
  }
}

std::string_view take(std::string_view& from, std::size_t count) {
  const std::string_view taken = from.substr(0, count);
  from.remove_prefix(count);
  return taken;
}

std::uint8_t take_byte(std::string_view& from) { return to_byte(take(from, 1).front()); }

std::string beginning_of(std::uint8_t command, Family family, std::size_t length) {
  std::string bytes(detail::kProxySignatureV2);
  bytes += static_cast<char>(kVersion << 4 | command);
  bytes += static_cast<char>(std::ranges::find(kKinds, family, &Kind::family)->code);
  append_number(bytes, length, 2);
  return bytes;
}

// --- addresses ---------------------------------------------------------------------------------

template <std::size_t kSize>
detail::IpAddress take_address(std::string_view& from) {
  std::array<std::uint8_t, kSize> address{};
  std::ranges::transform(take(from, kSize), address.begin(), to_byte);
  if constexpr (kSize == 4) {
    return detail::to_ip_address(address);
  } else {
    return address;
  }
}

/// A name ends at its first NUL, as for everybody else. An abstract one begins with a NUL and may have
/// others, but what fills the field can't be told from the last of them.
std::string_view read_path(std::string_view field) {
  if (!field.starts_with('\0')) {
    return field.substr(0, field.find('\0'));
  }
  return field.substr(0, field.find_last_not_of('\0') + 1);
}

void read_addresses(std::string_view block, Family family, ProxyHeader& header) {
  if (family == Family::local) {
    header.source = Endpoint::local(std::string(read_path(take(block, kPath))));
    header.destination = Endpoint::local(std::string(read_path(take(block, kPath))));
  } else if (family != Family::unspecified) {
    const bool ipv4 = family == Family::ipv4;
    const auto source = ipv4 ? take_address<4>(block) : take_address<16>(block);
    const auto destination = ipv4 ? take_address<4>(block) : take_address<16>(block);
    const auto source_port = static_cast<std::uint16_t>(read_number(take(block, 2)));
    const auto destination_port = static_cast<std::uint16_t>(read_number(take(block, 2)));
    header.source = detail::to_endpoint(source, source_port);
    header.destination = detail::to_endpoint(destination, destination_port);
  }
}

void append_path(std::string& to, std::string_view path) {
  if (path.size() > kPath) {
    throw std::length_error("a Unix path in a PROXY header has at most 108 bytes");
  }
  std::string field(path);
  field.resize(kPath);
  if (read_path(field) != path) {
    throw std::invalid_argument("a Unix path in a PROXY header ends where it has a NUL");
  }
  to += field;
}

void append_addresses(std::string& to, const ProxyHeader& header, Family family) {
  for (const Endpoint* endpoint : {&header.source, &header.destination}) {
    if (family == Family::local) {
      append_path(to, endpoint->path());
    } else if (family != Family::unspecified) {
      const detail::IpAddress address = detail::to_ip_address(*endpoint);
      const auto bytes = std::span(address).subspan(family == Family::ipv4 ? 12 : 0);
      to.append(bytes.begin(), bytes.end());
    }
  }
  if (detail::is_ip(family)) {
    append_number(to, header.source.port(), 2);
    append_number(to, header.destination.port(), 2);
  }
}

// --- TLVs --------------------------------------------------------------------------------------

/// Of a whole header, as if `field`, a part of it, were zero.
std::uint32_t checksum_of(std::string_view header, std::string_view field) {
  const auto at = static_cast<std::size_t>(field.data() - header.data());
  const std::uint32_t before = detail::crc32c(header.substr(0, at));
  constexpr std::array<char, kChecksum> kZero{};
  const std::uint32_t until = detail::crc32c({kZero.data(), kZero.size()}, before);
  return detail::crc32c(header.substr(at + kChecksum), until);
}

/// Of `header`, from `at` to its end.
std::error_code read_tlvs(std::string_view header, std::size_t at, std::vector<ProxyTlv>& tlvs) {
  bool verified = false;
  for (std::string_view rest = header.substr(at); !rest.empty();) {
    if (rest.size() < kTlvHead) {
      return ProxyErrc::tlv;
    }
    const std::uint8_t type = take_byte(rest);
    const std::size_t size = read_number(take(rest, 2));
    if (rest.size() < size) {
      return ProxyErrc::tlv;
    }
    const std::string_view value = take(rest, size);
    if (type == ProxyTlv::kCrc32c) {
      // Once: each costs a pass over the header, and somebody could make thousands that are all right.
      if (verified || size != kChecksum || read_number(value) != checksum_of(header, value)) {
        return ProxyErrc::checksum;
      }
      verified = true;
    } else if (type == ProxyTlv::kUniqueId && size > kUniqueId) {
      return ProxyErrc::unique_id;
    } else if (type != ProxyTlv::kNoop) {
      if (tlvs.size() == kMostTlvs) {
        return ProxyErrc::tlv;
      }
      tlvs.push_back({.type = type, .value = std::string(value)});
    }
  }
  return {};
}

void append_tlv(std::string& to, const ProxyTlv& tlv) {
  if (tlv.type == ProxyTlv::kCrc32c) {
    throw std::invalid_argument("the checksum of a PROXY header is no TLV of its own");
  }
  if (tlv.value.size() > (tlv.type == ProxyTlv::kUniqueId ? kUniqueId : kLongestValue)) {
    throw std::length_error("a TLV of a PROXY header is too long");
  }
  to += static_cast<char>(tlv.type);
  append_number(to, tlv.value.size(), 2);
  to += tlv.value;
}

}  // namespace

detail::ProxyParse detail::parse_proxy_v2(std::string_view bytes) {
  std::string_view rest = bytes.substr(kProxySignatureV2.size());
  if (rest.empty()) {
    return std::nullopt;
  }
  const std::uint8_t version_and_command = take_byte(rest);
  const std::uint8_t command = version_and_command & 0xf;
  if (version_and_command >> 4 != kVersion) {
    return std::unexpected(ProxyErrc::version);
  }
  if (command != kLocal && command != kProxy) {
    return std::unexpected(ProxyErrc::command);
  }
  if (rest.empty()) {
    return std::nullopt;
  }
  const auto* kind = std::ranges::find(kKinds, take_byte(rest), &Kind::code);
  if (command == kProxy && kind == kKinds.end()) {
    return std::unexpected(ProxyErrc::family);
  }
  if (rest.size() < 2) {
    return std::nullopt;
  }
  const std::size_t length = read_number(take(rest, 2));
  if (kFixed + length > kProxyHeaderLimit) {
    return std::unexpected(ProxyErrc::too_long);
  }
  if (command == kProxy && length < kind->addresses) {
    return std::unexpected(ProxyErrc::too_short);
  }
  if (rest.size() < length) {
    return std::nullopt;
  }
  ParsedProxyHeader parsed{.header = {.local = command == kLocal}, .size = kFixed + length};
  if (command == kProxy) {
    read_addresses(rest, kind->family, parsed.header);
    const std::string_view header = bytes.substr(0, parsed.size);
    if (const auto error = read_tlvs(header, kFixed + kind->addresses, parsed.header.tlvs)) {
      return std::unexpected(error);
    }
  }
  return parsed;
}

std::string proxy_header_v2(const ProxyHeader& header, ProxyChecksum checksum) {
  if (header.local) {
    return beginning_of(kLocal, Family::unspecified, 0);
  }
  const Family family = detail::proxy_family(header);
  if (header.tlvs.size() > kMostTlvs) {
    throw std::length_error("a PROXY header has at most " + std::to_string(kMostTlvs) + " TLVs");
  }
  std::string block;
  append_addresses(block, header, family);
  for (const ProxyTlv& tlv : header.tlvs) {
    append_tlv(block, tlv);
  }
  if (checksum == ProxyChecksum::crc32c) {
    block += static_cast<char>(ProxyTlv::kCrc32c);
    append_number(block, kChecksum, 2);
    append_number(block, 0, kChecksum);
  }
  if (kFixed + block.size() > kProxyHeaderLimit) {
    throw std::length_error("a PROXY header has at most " + std::to_string(kProxyHeaderLimit) +
                            " bytes");
  }
  std::string bytes = beginning_of(kProxy, family, block.size()) + block;
  if (checksum == ProxyChecksum::crc32c) {
    const std::uint32_t right = detail::crc32c(bytes);  // its field is zero as yet
    bytes.resize(bytes.size() - kChecksum);
    append_number(bytes, right, kChecksum);
  }
  return bytes;
}

}  // namespace simul
