// A PROXY header at the beginning of a stream: it is read whole and alone, or nothing is.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <simul/proxy_header.hpp>

#include "stream_pairs.hpp"
#include "tls_pairs.hpp"

using namespace simul;
using namespace simul::test;
using namespace std::string_literals;

namespace {

using Read = std::expected<std::optional<ProxyHeader>, std::error_code>;
using enum ProxyExpectation;

const ProxyHeader kHeader{.source = Endpoint::ipv4({192, 0, 2, 1}, 56324),
                          .destination = Endpoint::ipv4({192, 0, 2, 2}, 443)};
const std::string kLine = proxy_header_v1(kHeader);
const std::string kBinary = proxy_header_v2(kHeader, ProxyChecksum::crc32c);
const std::string kRest = "GET / HTTP/1.1\r\n\r\n";

/// As long as a header may be.
ProxyHeader longest() {
  const std::size_t addresses = 16 + 12 + 3;
  return {.source = kHeader.source,
          .destination = kHeader.destination,
          .tlvs = {{.type = 0xE0, .value = pattern(kProxyHeaderLimit - addresses)}}};
}

/// Runs `body(near)` on streams that hand out their bytes in every manner; `near` has been sent `text`, and its
/// end.
template <typename Fn>
void with_text(const std::string& text, Fn body) {
  std::vector<MemoryStreamOptions> manners;
  for (const std::size_t capacity : {1, 2, 3, 7, 1 << 16}) {
    manners.push_back({.capacity = capacity});
  }
  manners.push_back({.lockstep = true});
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    manners.push_back({.chaos = Chaos{.seed = seed}});
  }
  for (std::size_t manner = 0; manner < manners.size(); ++manner) {
    CAPTURE(manner);
    run_virtual([&]() -> Coro<> {
      auto [near, far] = memory_stream_pair(manners[manner]);
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        group.spawn([&]() -> Coro<> {
          (void)co_await far.send(text);
          far.shutdown();
        });
        co_await body(near);
        near.close();
      });
    });
  }
}

/// What one read says of a stream with `text`, and the end; what is left then is `rest`.
void check(const std::string& text, ProxyExpectation expectation, const Read& result,
           const std::string& rest) {
  CAPTURE(text);
  with_text(text, [&](Stream& near) -> Coro<> {
    const Read read = co_await read_proxy_header(near, expectation);
    CHECK(read == result);
    const std::string left = co_await everything_of(near);
    const bool equal = left == rest;
    CHECK(equal);
  });
}

Read failed(std::error_code error) { return std::unexpected(error); }

}  // namespace

TEST_SUITE("read_proxy_header") {
  TEST_CASE("the header is taken off the stream, and not a byte more") {
    for (const ProxyExpectation expectation : {optional, required}) {
      for (const std::string& header : {kLine, kBinary}) {
        check(header + kRest, expectation, kHeader, kRest);
        check(header, expectation, kHeader, "");
        check(header + kLine, expectation, kHeader, kLine);
      }
      check(proxy_header_v2({.local = true}) + kRest, expectation, ProxyHeader{.local = true},
            kRest);
      check(proxy_header_v1({}) + kRest, expectation, ProxyHeader{}, kRest);
    }
  }

  TEST_CASE("the longest header fits, and what follows stays") {
    const std::string much = pattern(50'000);
    check(proxy_header_v2(longest()) + much, required, longest(), much);
  }

  TEST_CASE("other bytes stay where they are: an error, or nothing") {
    for (const std::string& text :
         {kRest, "PROPFIND / HTTP/1.1\r\n"s, "\r\n\r\nx"s, "\x16\x03\x01"s}) {
      check(text, required, failed(ProxyErrc::missing), text);
      check(text, optional, std::nullopt, text);
    }
  }

  TEST_CASE("a broken header is an error either way, and stays where it is") {
    std::string wrong = kBinary;
    wrong[20] = '~';
    std::string version = kBinary;
    version[12] = '\x31';
    for (const ProxyExpectation expectation : {optional, required}) {
      check("PROXY TCP5 " + kRest, expectation, failed(ProxyErrc::malformed_line),
            "PROXY TCP5 " + kRest);
      check("PROXY UNKNOWN " + pattern(500), expectation, failed(ProxyErrc::malformed_line),
            "PROXY UNKNOWN " + pattern(500));
      check(wrong + kRest, expectation, failed(ProxyErrc::checksum), wrong + kRest);
      check(version + kRest, expectation, failed(ProxyErrc::version), version + kRest);
    }
  }

  TEST_CASE("the end of the stream before any byte, in the middle, and where no header has begun") {
    for (const ProxyExpectation expectation : {optional, required}) {
      check("", expectation, failed(Errc::end_of_stream), "");
    }
    for (const std::string& header : {kLine, kBinary}) {
      const std::size_t signature = header == kLine ? 6 : 12;
      for (std::size_t size = 1; size < header.size(); ++size) {
        const std::string some = header.substr(0, size);
        check(some, required, failed(ProxyErrc::truncated), some);
        check(some, optional, size < signature ? Read(std::nullopt) : failed(ProxyErrc::truncated),
              some);
      }
    }
  }

  TEST_CASE("who sends something else is known by its first byte, and not kept waiting") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      (void)co_await far.send("P");
      Task<Read> reader = spawn(read_proxy_header(near, optional));
      co_await settle();
      CHECK_FALSE(reader.done());
      (void)co_await far.send("O");
      CHECK(co_await reader == Read(std::nullopt));
      CHECK(co_await bytes_of(near, 2) == "PO");
    });
  }

  TEST_CASE("a header is known to be whole without a byte behind it, or the end") {
    for (const std::string& header : {kLine, kBinary}) {
      run_virtual([&]() -> Coro<> {
        auto [near, far] = memory_stream_pair();
        (void)co_await far.send(header);
        CHECK(co_await read_proxy_header(near, required) == Read(kHeader));
      });
    }
  }

  TEST_CASE("TLS may begin in the same packet as the header") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      (void)co_await far.send(kBinary);
      Task<TlsEnd> client = spawn(connect_tls(std::make_unique<MemoryStream>(std::move(far)),
                                              plain_client(), "example.org"));
      co_await settle();
      CHECK(near.pending() > kBinary.size());
      CHECK(co_await read_proxy_header(near, required) == Read(kHeader));
      const TlsEnd server =
          co_await accept_tls(std::make_unique<MemoryStream>(std::move(near)), plain_server());
      CHECK(server.has_value());
      CHECK((co_await client).has_value());
    });
  }

  TEST_CASE("a deadline leaves what had come") {
    for (const std::string_view some : {std::string_view(kLine), std::string_view(kBinary)}) {
      run_virtual([&]() -> Coro<> {
        auto [near, far] = memory_stream_pair();
        (void)co_await far.send(some.substr(0, 20));
        const auto read = co_await move_on_after(
            3s, [&] { return read_proxy_header(near, ProxyExpectation::required); });
        CHECK_FALSE(read.has_value());
        (void)co_await far.send(some.substr(20));
        CHECK(co_await read_proxy_header(near, required) == Read(kHeader));
      });
    }
  }

  TEST_CASE_TEMPLATE("a reset is a reset, and what had come is there", Kind, Tcp, Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      (void)co_await a.send(std::string_view(kBinary).substr(0, 20));
      Task<Read> reader = spawn(read_proxy_header(b, required));
      while (b.bytes_received() < 20) {
        co_await yield_now();
      }
      a.close(Stream::CloseMode::abort);
      CHECK((co_await reader).error() == std::errc::connection_reset);
      CHECK((co_await b.recv())->text() == std::string_view(kBinary).substr(0, 20));
    });
  }

  TEST_CASE("a close on this side wakes who reads, and keeps what had come") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      (void)co_await far.send("PROXY TCP4");
      Task<Read> reader = spawn(read_proxy_header(near, optional));
      co_await settle();
      near.close();
      CHECK(co_await reader == failed(Errc::closed));
      CHECK((co_await near.recv())->text() == "PROXY TCP4");
    });
  }

  TEST_CASE("of what was given back before a part may be used up") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      const std::string header = proxy_header_v2(longest());
      (void)co_await far.send(kLine + header.substr(0, 20));
      CHECK(co_await read_proxy_header(near, required) == Read(kHeader));
      Task<Read> reader = spawn(read_proxy_header(near, required));
      co_await settle();
      (void)co_await far.send(header.substr(20) + kRest);
      CHECK(co_await reader == Read(longest()));
      CHECK(co_await bytes_of(near, kRest.size()) == kRest);
    });
  }

  TEST_CASE("cut anywhere, no byte is lost or doubled") {
    for (const std::string& header : {kLine, kBinary}) {
      const std::size_t rounds = cancel_everywhere([&](Cut& cut) -> Coro<> {
        auto [near, far] = memory_stream_pair({.lockstep = true});
        Read read = failed(Errc::would_block);
        auto send = [&]() -> Coro<> {
          const std::string all = header + kRest;
          for (std::size_t sent = 0; sent < all.size();) {
            const std::size_t size = std::min<std::size_t>(3, all.size() - sent);
            sent += (co_await far.send_some(as_bytes(all).subspan(sent, size))).value();
          }
          far.shutdown();
        };
        auto recv = [&]() -> Coro<> { read = co_await read_proxy_header(near, required); };
        Task<> sender = spawn(send());
        const bool ended = co_await cut.run(recv);
        CHECK(ended == read.has_value());
        if (!ended) {
          co_await recv();
        }
        CHECK(read == Read(kHeader));
        CHECK(co_await everything_of(near) == kRest);
        co_await sender;
      });
      CHECK(rounds > header.size() / 3);
    }
  }

  TEST_CASE("cut anywhere, bytes that are no header are all there") {
    const std::string text = "PROXY TCP4 1.2.3.4 and then something else";
    const std::size_t rounds = cancel_everywhere([&](Cut& cut) -> Coro<> {
      auto [near, far] = memory_stream_pair({.chaos = Chaos{.seed = 3}});
      auto send = [&]() -> Coro<> {
        for (const char& byte : text) {
          (void)co_await far.send(std::string_view(&byte, 1));
        }
        far.shutdown();
      };
      auto recv = [&]() -> Coro<> { (void)co_await read_proxy_header(near, optional); };
      Task<> sender = spawn(send());
      (void)co_await cut.run(recv);
      CHECK(co_await everything_of(near) == text);
      co_await sender;
    });
    CHECK(rounds > 10);
  }
}
