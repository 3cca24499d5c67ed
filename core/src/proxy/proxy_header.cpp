#include <simul/proxy_header.hpp>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "ip_address.hpp"
#include "versions.hpp"

namespace simul {
namespace {

using detail::kProxySignatureV1;
using detail::kProxySignatureV2;

bool has_signature(std::string_view bytes) {
  return bytes.starts_with(kProxySignatureV1) || bytes.starts_with(kProxySignatureV2);
}

/// What was received and isn't used up. When all is over, in whichever way, it goes back.
struct Received {
  explicit Received(Stream& from) noexcept : stream(from) {}
  Received(const Received&) = delete;
  Received& operator=(const Received&) = delete;
  ~Received() { stream.unread(std::move(chunk)); }

  /// Of a chunk that was given back once, the first part may be used up.
  void make_room() {
    if (chunk.size() + chunk.space().size() == Chunk::kCapacity) {
      return;
    }
    Chunk whole = Chunk::lease();
    std::ranges::copy(chunk.bytes(), whole.space().begin());
    whole.commit(chunk.size());
    chunk = std::move(whole);
  }

  Stream& stream;
  Chunk chunk;
};

}  // namespace

const std::string* ProxyHeader::find(std::uint8_t type) const noexcept {
  const auto found = std::ranges::find(tlvs, type, &ProxyTlv::type);
  return found == tlvs.end() ? nullptr : &found->value;
}

std::expected<std::optional<ParsedProxyHeader>, std::error_code> parse_proxy_header(Bytes bytes) {
  const std::string_view text = as_text(bytes);
  if (text.starts_with(kProxySignatureV1)) {
    return detail::parse_proxy_v1(text);
  }
  if (text.starts_with(kProxySignatureV2)) {
    return detail::parse_proxy_v2(text);
  }
  if (kProxySignatureV1.starts_with(text) || kProxySignatureV2.starts_with(text)) {
    return std::nullopt;
  }
  return std::unexpected(ProxyErrc::missing);
}

Coro<std::expected<std::optional<ProxyHeader>, std::error_code>> read_proxy_header(
    Stream& stream, ProxyExpectation expectation) {
  Received received(stream);
  auto first = co_await stream.recv();  // not into a chunk of ours: a peer that waits needs none
  if (!first) {
    co_return std::unexpected(first.error());
  }
  received.chunk = std::move(*first);
  for (;;) {
    auto parsed = parse_proxy_header(received.chunk);
    if (!parsed) {
      if (expectation == ProxyExpectation::optional && parsed.error() == ProxyErrc::missing) {
        co_return std::nullopt;
      }
      co_return std::unexpected(parsed.error());
    }
    if (*parsed) {
      received.chunk.consume((*parsed)->size);
      co_return std::move((*parsed)->header);
    }
    received.make_room();
    const auto more = co_await stream.recv(received.chunk.space());
    if (more) {
      received.chunk.commit(*more);
    } else if (more.error() != Errc::end_of_stream) {
      co_return std::unexpected(more.error());
    } else if (expectation == ProxyExpectation::optional && !has_signature(received.chunk.text())) {
      co_return std::nullopt;
    } else {
      co_return std::unexpected(ProxyErrc::truncated);
    }
  }
}

Endpoint::Family detail::proxy_family(const ProxyHeader& header) {
  const Endpoint::Family source = header.source.family();
  const Endpoint::Family destination = header.destination.family();
  if (source == destination) {
    return source;
  }
  if (is_ip(source) && is_ip(destination)) {
    return Endpoint::Family::ipv6;
  }
  throw std::invalid_argument(
      "the source and the destination of a PROXY header have to be of the same family");
}

}  // namespace simul
