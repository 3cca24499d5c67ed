// Whatever the bytes are, a PROXY header is found, refused or waited for in the same way however they
// are cut up, what is read can be written and read again, and what doesn't belong to it stays in the stream.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <simul/loop.hpp>
#include <simul/proxy_header.hpp>
#include <simul/task_group.hpp>
#include <simul/testing.hpp>

#include "proxy/versions.hpp"

namespace {

using namespace simul;

void require(bool condition) {
  if (!condition) std::abort();
}

ProxyHeader parse_whole(const std::string& bytes) {
  const auto parsed = parse_proxy_header(as_bytes(bytes));
  require(parsed && *parsed && (*parsed)->size == bytes.size());
  return (*parsed)->header;
}

// The first beginning that is decided, decides.
void check_beginnings(std::string_view input, const detail::ProxyParse& whole) {
  for (std::size_t size = 0; size <= input.size(); ++size) {
    const auto some = parse_proxy_header(as_bytes(input.substr(0, size)));
    if (!some) {
      require(!whole && some.error() == whole.error());
      return;
    }
    if (*some) {
      require((*some)->size == size);  // not a byte too late
      require(whole && *whole && (*whole)->size == size && (*whole)->header == (*some)->header);
      return;
    }
  }
  require(whole && !*whole);
}

void check_header(const ParsedProxyHeader& parsed) {
  const ProxyHeader& header = parsed.header;
  require(parsed.size > 0 && parsed.size <= kProxyHeaderLimit);
  require(header.find(ProxyTlv::kNoop) == nullptr && header.find(ProxyTlv::kCrc32c) == nullptr);
  const Endpoint::Family family = detail::proxy_family(header);
  if (header.local) {
    require(family == Endpoint::Family::unspecified && header.tlvs.empty());
  }
  const std::string written = proxy_header_v2(header);
  require(parse_whole(written) == header);
  constexpr std::size_t kChecksum = 7;
  if (written.size() + kChecksum <= kProxyHeaderLimit) {
    require(parse_whole(proxy_header_v2(header, ProxyChecksum::crc32c)) == header);
  }
  const bool line_says_it = family == Endpoint::Family::ipv4 || family == Endpoint::Family::ipv6;
  require(parse_whole(proxy_header_v1(header)) ==
          (line_says_it ? ProxyHeader{.source = header.source, .destination = header.destination}
                        : ProxyHeader{}));
}

// What read_proxy_header has to say of `input` and the end behind it.
std::expected<std::optional<ProxyHeader>, std::error_code> expected_of(
    std::string_view input, const detail::ProxyParse& whole, ProxyExpectation expectation) {
  const bool optional = expectation == ProxyExpectation::optional;
  if (input.empty()) return std::unexpected(Errc::end_of_stream);
  if (!whole) {
    if (optional && whole.error() == ProxyErrc::missing) return std::nullopt;
    return std::unexpected(whole.error());
  }
  if (*whole) return (*whole)->header;
  const bool begun =
      input.starts_with(detail::kProxySignatureV1) || input.starts_with(detail::kProxySignatureV2);
  if (optional && !begun) return std::nullopt;
  return std::unexpected(ProxyErrc::truncated);
}

void check_stream(std::string_view input, const detail::ProxyParse& whole,
                  ProxyExpectation expectation) {
  VirtualClock clock;
  Loop loop(clock);
  loop.run_until_complete([](auto text, auto& parsed, auto expects) -> Coro<> {
    auto [near, far] = memory_stream_pair({.chaos = Chaos{.seed = text.size()}});
    co_await with_group([&](TaskGroup& group) -> Coro<> {
      group.spawn([&]() -> Coro<> {
        (void)co_await far.send(text);
        far.shutdown();
      });
      const auto read = co_await read_proxy_header(near, expects);
      require(read == expected_of(text, parsed, expects));
      const std::size_t used = read && *read ? (*parsed)->size : 0;
      require(co_await near.read_all(text.size()) == std::string(text.substr(used)));
    });
  }(input, whole, expectation));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto whole = parse_proxy_header(as_bytes(input));
  check_beginnings(input, whole);
  if (whole && *whole) {
    require((*whole)->size <= size);
    check_header(**whole);
  }
  check_stream(input, whole, ProxyExpectation::optional);
  check_stream(input, whole, ProxyExpectation::required);
  return 0;
}
