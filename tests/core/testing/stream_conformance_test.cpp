// The suite that every stream has to pass: on ours, and on streams that are broken on purpose.
#include <simul/testing/stream_conformance.hpp>

#include <cerrno>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <simul/listener.hpp>
#include <simul/open_connection.hpp>

#include "../harness.hpp"
#include "../tls_pairs.hpp"

using namespace simul;
using namespace simul::test;

namespace {

using MakePair = std::function<Coro<StreamPair>()>;

constexpr ConformanceOptions kSmall = {.volume = 20'000, .too_much = 1 << 17};

StreamPair as_pair(std::pair<MemoryStream, MemoryStream> ends) {
  return {std::make_unique<MemoryStream>(std::move(ends.first)),
          std::make_unique<MemoryStream>(std::move(ends.second))};
}
MakePair memory(MemoryStreamOptions options) {
  return [options]() -> Coro<StreamPair> { co_return as_pair(memory_stream_pair(options)); };
}

Coro<StreamPair> unix_pair() {
  auto [a, b] = socket_pair();
  co_return StreamPair{std::make_unique<SocketStream>(std::move(a)),
                       std::make_unique<SocketStream>(std::move(b))};
}
Coro<StreamPair> connected_pair() {
  auto listener = open_listener(*Endpoint::parse("127.0.0.1:0"));
  auto client = co_await open_connection(listener->local_endpoint());
  auto server = co_await listener->accept();
  co_return StreamPair{std::move(*client), std::move(server->stream)};
}

void check(std::uint64_t seed, MakePair make, ConformanceOptions options = kSmall) {
  Simulation world(seed);
  world.run(check_stream_conformance(std::move(make), options));
}

/// The rule that breaks; empty if none does.
std::string broken_rule(const MakePair& make) {
  ConformanceOptions options = kSmall;
  options.patience = 5s;
  try {
    check(0, make, options);
  } catch (const ConformanceError& error) {
    CHECK(std::string(error.what()).starts_with("broken rule: " + error.rule() + ": "));
    return error.rule();
  }
  return "";
}

/// A stream in memory whose operations can be spoilt.
class Spoilt : public Stream {
 public:
  explicit Spoilt(std::unique_ptr<Stream> below) : below_(std::move(below)) {}
  IoResult try_recv(MutableBytes buffer) noexcept override { return below_->try_recv(buffer); }
  IoResult try_send(Bytes first, std::span<const Bytes> rest) noexcept override {
    return below_->try_send(first, rest);
  }
  std::error_code try_shutdown() noexcept override { return below_->try_shutdown(); }
  IoResult try_closed() noexcept override { return below_->try_closed(); }
  std::error_code wait(StreamOp operation, Interest interest, Leaf& leaf) noexcept override {
    return below_->wait(operation, interest, leaf);
  }
  void forget(StreamOp operation) noexcept override { below_->forget(operation); }
  void close(CloseMode mode) noexcept override { below_->close(mode); }

 protected:
  std::unique_ptr<Stream> below_;
};

template <typename Kind>
Coro<StreamPair> spoilt() {
  StreamPair pair = as_pair(memory_stream_pair());
  co_return StreamPair{std::make_unique<Kind>(std::move(pair.near)),
                       std::make_unique<Kind>(std::move(pair.far))};
}

struct LosesAByte : Spoilt {
  using Spoilt::Spoilt;
  IoResult try_send(Bytes first, std::span<const Bytes> rest) noexcept override {
    if (first.size() > 3000) {
      IoResult result = below_->try_send(first.first(999), {});
      result.bytes += result.bytes == 999 ? 1 : 0;
      return result;
    }
    return below_->try_send(first, rest);
  }
};
struct SwapsPieces : Spoilt {
  using Spoilt::Spoilt;
  IoResult try_send(Bytes first, std::span<const Bytes> rest) noexcept override {
    if (!rest.empty() && rest.back().size() == first.size() && !first.empty()) {
      return below_->try_send(rest.back(), {});
    }
    if (rest.size() > 1 && !rest[1].empty()) {
      return below_->try_send(rest[1], {});
    }
    return below_->try_send(first, rest);
  }
};
struct ForgetsToReportNews : Spoilt {  // it says "drained" without watching from then on
  using Spoilt::Spoilt;
  IoResult try_recv(MutableBytes buffer) noexcept override {
    IoResult result = below_->try_recv(buffer);
    drained_ = result.drained = result.bytes == 4 && buffer.size() > 1000;
    return result;
  }
  std::error_code wait(StreamOp operation, Interest interest, Leaf& leaf) noexcept override {
    return operation == StreamOp::recv && drained_ ? std::error_code()
                                                   : below_->wait(operation, interest, leaf);
  }
  bool drained_ = false;
};
struct SaysDrainedTooEarly : Spoilt {
  using Spoilt::Spoilt;
  IoResult try_recv(MutableBytes buffer) noexcept override {
    IoResult result = below_->try_recv(buffer.first(1));
    result.drained = result.bytes > 0;
    return result;
  }
  std::error_code wait(StreamOp operation, Interest interest, Leaf& leaf) noexcept override {
    // As a descriptor that is watched for edges would, it reports new bytes only.
    if (operation == StreamOp::recv) {
      std::array<std::byte, 64> all{};
      while (below_->try_recv(all).bytes > 0) {
      }
    }
    return below_->wait(operation, interest, leaf);
  }
};
struct GivesNothing : Spoilt {
  using Spoilt::Spoilt;
  IoResult try_recv(MutableBytes buffer) noexcept override {
    return ++attempts_ % 5 == 0 ? IoResult{} : below_->try_recv(buffer);
  }
  int attempts_ = 0;
};
struct NeverBlocks : Spoilt {
  using Spoilt::Spoilt;
  IoResult try_recv(MutableBytes buffer) noexcept override {
    const IoResult result = below_->try_recv(buffer);
    return result.blocked != Interest::none ? IoResult::failed(detail::PackedError::system(EAGAIN))
                                            : result;
  }
};
struct Overruns : Spoilt {
  using Spoilt::Spoilt;
  IoResult try_recv(MutableBytes buffer) noexcept override {
    const IoResult result = below_->try_recv(
        buffer.size() < 8 ? MutableBytes(buffer.data(), buffer.size() + 1) : buffer);
    return result.bytes > buffer.size() ? IoResult::moved(buffer.size()) : result;
  }
};
struct EndsTwiceDifferently : Spoilt {
  using Spoilt::Spoilt;
  IoResult try_recv(MutableBytes buffer) noexcept override {
    const IoResult result = below_->try_recv(buffer);
    if (result.error.unpack() == Errc::end_of_stream && std::exchange(ended_, true)) {
      return IoResult::failed(detail::PackedError::system(ENOTCONN));
    }
    return result;
  }
  bool ended_ = false;
};
struct ShutdownClosesBoth : Spoilt {
  using Spoilt::Spoilt;
  std::error_code try_shutdown() noexcept override {
    shut_ = true;
    return below_->try_shutdown();
  }
  IoResult try_recv(MutableBytes buffer) noexcept override {
    return shut_ ? IoResult::failed(Errc::end_of_stream) : below_->try_recv(buffer);
  }
  bool shut_ = false;
};
struct SendsAfterShutdown : Spoilt {
  using Spoilt::Spoilt;
  std::error_code try_shutdown() noexcept override {
    shut_ = true;
    return below_->try_shutdown();
  }
  IoResult try_send(Bytes first, std::span<const Bytes> rest) noexcept override {
    return shut_ ? IoResult::moved(first.size()) : below_->try_send(first, rest);
  }
  bool shut_ = false;
};
struct HalfCloseIsTheEnd : Spoilt {  // whoever can't send any more counts as gone
  using Spoilt::Spoilt;
  IoResult try_closed() noexcept override {
    const IoResult result = below_->try_closed();
    return shut_ && result.blocked != Interest::none ? IoResult::failed(Errc::end_of_stream)
                                                     : result;
  }
  std::error_code try_shutdown() noexcept override {
    shut_ = true;
    return below_->try_shutdown();
  }
  bool shut_ = false;
};
struct ClosedComesAtOnce : Spoilt {
  using Spoilt::Spoilt;
  IoResult try_closed() noexcept override { return IoResult::failed(Errc::end_of_stream); }
};
struct ClosedIsDeafAfterACancel : Spoilt {
  using Spoilt::Spoilt;
  std::error_code wait(StreamOp operation, Interest interest, Leaf& leaf) noexcept override {
    return operation == StreamOp::closed && deaf_ ? std::error_code()
                                                  : below_->wait(operation, interest, leaf);
  }
  IoResult try_closed() noexcept override {
    const IoResult result = below_->try_closed();
    return deaf_ && result.error.unpack() == Errc::end_of_stream
               ? IoResult::would_block(Interest::readable)
               : result;
  }
  void forget(StreamOp operation) noexcept override {
    deaf_ |= operation == StreamOp::closed;
    below_->forget(operation);
  }
  bool deaf_ = false;
};
struct CloseLeavesThemWaiting : Spoilt {
  using Spoilt::Spoilt;
  void close(CloseMode) noexcept override { closed_ = true; }
  IoResult try_recv(MutableBytes buffer) noexcept override {
    return closed_ ? IoResult::failed(Errc::closed) : below_->try_recv(buffer);
  }
  bool closed_ = false;
};
struct CloseIsAnEnd : Spoilt {  // for its own side
  using Spoilt::Spoilt;
  IoResult try_recv(MutableBytes buffer) noexcept override {
    const IoResult result = below_->try_recv(buffer);
    return result.error.unpack() == Errc::closed ? IoResult::failed(Errc::end_of_stream) : result;
  }
};
struct ShutdownAfterCloseSucceeds : Spoilt {
  using Spoilt::Spoilt;
  std::error_code try_shutdown() noexcept override {
    (void)below_->try_shutdown();
    return {};
  }
};
struct SendsToNobody : Spoilt {
  using Spoilt::Spoilt;
  IoResult try_send(Bytes first, std::span<const Bytes> rest) noexcept override {
    const IoResult result = below_->try_send(first, rest);
    return result.error.unpack() == std::errc::broken_pipe && !shut_ ? IoResult::moved(first.size())
                                                                     : result;
  }
  std::error_code try_shutdown() noexcept override {
    shut_ = true;
    return below_->try_shutdown();
  }
  bool shut_ = false;
};
struct SwallowsWhatNobodyReads : Spoilt {
  using Spoilt::Spoilt;
  IoResult try_send(Bytes first, std::span<const Bytes> rest) noexcept override {
    const IoResult result = below_->try_send(first, rest);
    return result.error.unpack() == std::errc::broken_pipe ? IoResult::moved(first.size()) : result;
  }
};
struct AbortIsAClose : Spoilt {
  using Spoilt::Spoilt;
  void close(CloseMode) noexcept override { below_->close(CloseMode::graceful); }
};
struct LosesWhatACancelledRecvHadAsked : Spoilt {  // as a completion-based recv would
  using Spoilt::Spoilt;
  void forget(StreamOp operation) noexcept override {
    if (operation == StreamOp::recv) {
      std::array<std::byte, 64> completed{};
      (void)below_->try_recv(completed);
    }
    below_->forget(operation);
  }
};
struct HoldsABlockedByte : Spoilt {
  using Spoilt::Spoilt;
  IoResult try_send(Bytes first, std::span<const Bytes> rest) noexcept override {
    if (held_) {
      const std::array one = {*held_};
      const IoResult result = below_->try_send(one, {});
      if (result.bytes == 1) {
        held_.reset();  // under the name of whatever is being sent now
      }
      return result;
    }
    const IoResult result = below_->try_send(first, rest);
    if (result.blocked != Interest::none) {
      held_ = first.front();
    }
    return result;
  }
  std::optional<std::byte> held_;
};
struct TakesEverything : Spoilt {
  using Spoilt::Spoilt;
  IoResult try_send(Bytes first, std::span<const Bytes> rest) noexcept override {
    const IoResult result = below_->try_send(first, rest);
    return result.blocked != Interest::none ? IoResult::moved(first.size()) : result;
  }
};

}  // namespace

TEST_SUITE("stream conformance") {
  TEST_CASE("streams in memory conform, whatever they hold") {
    for (const std::size_t capacity : {std::size_t{1}, std::size_t{3}, std::size_t{1} << 16}) {
      CAPTURE(capacity);
      ConformanceOptions options = kSmall;
      options.volume = capacity < 10 ? 1'000 : 100'000;
      check(0, memory({.capacity = capacity}), options);
    }
  }

  TEST_CASE("streams in memory conform in lockstep, in any order of steps") {
    ConformanceOptions options = kSmall;
    options.volume = 5'000;
    run_seeds(10, [&](std::uint64_t seed) { check(seed, memory({.lockstep = true}), options); });
  }

  TEST_CASE("streams in memory conform under chaos, for fifty seeds") {
    ConformanceOptions options = kSmall;
    options.volume = 500;
    options.too_much = 1 << 14;
    options.patience = 1h;
    run_seeds(50, [&](std::uint64_t seed) {
      const Chaos chaos = {.seed = seed};
      check(seed,
            memory({.capacity = seed % 3 == 0 ? std::size_t{30} : std::size_t{1000},
                    .lockstep = seed % 5 == 0,
                    .chaos = chaos}),
            options);
    });
  }

  TEST_CASE("crossing streams conform, over streams in memory with and without chaos") {
    ConformanceOptions options = kSmall;
    options.volume = 3'000;
    options.too_much = 1 << 14;
    options.patience = 1h;
    run_seeds(30, [&](std::uint64_t seed) {
      const Chaos chaos = {.seed = seed};
      const auto make = [&]() -> Coro<StreamPair> {
        MemoryStreamOptions below = {.capacity =
                                         seed % 3 == 0 ? std::size_t{50} : std::size_t{4000}};
        if (seed % 2 == 1) {
          below.chaos = chaos;
        }
        co_return crossing(as_pair(memory_stream_pair(below)));
      };
      check(seed, make, options);
    });
  }

  TEST_CASE("TLS conforms over streams in memory, whatever they hold") {
    for (const std::size_t capacity : {16u, 50u, 1000u, 65536u}) {
      CAPTURE(capacity);
      check(0, [&] { return tls_pair(memory({.capacity = capacity})); });
    }
  }

  TEST_CASE("TLS conforms over streams in lockstep") {
    check(1, [] { return tls_pair(memory({.lockstep = true})); });
  }

  TEST_CASE("TLS conforms over streams that are awkward themselves") {
    const auto awkward = []() -> Coro<StreamPair> {
      co_return crossing(as_pair(memory_stream_pair()));
    };
    check(0, [&] { return tls_pair(awkward); });
  }

  TEST_CASE("TLS conforms under chaos") {
    run_seeds(20, [&](std::uint64_t seed) {
      const MemoryStreamOptions options = {
          .capacity = seed % 3 == 0 ? std::size_t{50} : std::size_t{4000},
          .chaos = Chaos{.seed = seed}};
      check(seed, [&] { return tls_pair(memory(options)); });
    });
  }

  TEST_CASE("TLS conforms over streams that are awkward themselves, under chaos") {
    ConformanceOptions options = kSmall;
    options.volume = 3'000;
    options.too_much = 1 << 15;
    options.patience = 1h;
    run_seeds(10, [&](std::uint64_t seed) {
      const Chaos chaos = {.seed = seed};
      const auto awkward = [&]() -> Coro<StreamPair> {
        co_return crossing(memory_pair(
            {.capacity = seed % 3 == 0 ? std::size_t{100} : std::size_t{4000}, .chaos = chaos}));
      };
      check(seed, [&] { return tls_pair(awkward); }, options);
    });
  }

  TEST_CASE("TLS conforms over sockets, and over TLS") {
    ConformanceOptions options;
    options.volume = 200'000;
    run(check_stream_conformance([] { return tls_pair(connected_pair); }, options));
    const auto within = [] { return tls_pair(memory({})); };
    check(0, [&] { return tls_pair(within); });
  }

  TEST_CASE("sockets conform") {
    ConformanceOptions options;
    options.volume = 200'000;
    run(check_stream_conformance(connected_pair, options));
    options.abort_resets = false;
    run(check_stream_conformance(unix_pair, options));
  }

  TEST_CASE("crossing streams over sockets conform") {
    ConformanceOptions options;
    options.volume = 50'000;
    options.too_much = 1 << 18;
    run(check_stream_conformance(
        []() -> Coro<StreamPair> { co_return crossing(co_await connected_pair()); }, options));
  }

  TEST_CASE("connections of a simulated network conform") {
    ConformanceOptions options = kSmall;
    options.volume = 2'000;
    run_seeds(10, [&](std::uint64_t seed) { check(seed, connected_pair, options); });
  }

  TEST_CASE("a broken stream is caught, by the rule that it breaks") {
    CHECK(broken_rule(memory({})) == "");
    CHECK(broken_rule(spoilt<Spoilt>) == "");
    const std::string whole = "bytes arrive whole and in order, in both directions at once";
    CHECK(broken_rule(spoilt<LosesAByte>) == whole);
    CHECK(broken_rule(spoilt<SwapsPieces>) == whole);
    CHECK(broken_rule(spoilt<ForgetsToReportNews>) == "what comes after the last byte is noticed");
    CHECK(broken_rule(spoilt<SaysDrainedTooEarly>) ==
          "recv gives at least a byte and at most what there is room for");
    CHECK(broken_rule(spoilt<NeverBlocks>) ==
          "an attempt that can do nothing says that it would block");
    CHECK(broken_rule(spoilt<GivesNothing>) ==
          "recv gives at least a byte and at most what there is room for");
    CHECK(broken_rule(spoilt<Overruns>) ==
          "recv gives at least a byte and at most what there is room for");
    CHECK(broken_rule(spoilt<EndsTwiceDifferently>) ==
          "the end of the stream comes after all bytes, and again");
    CHECK(broken_rule(spoilt<ShutdownClosesBoth>) ==
          "a half-close leaves the other direction open");
    CHECK(broken_rule(spoilt<SendsAfterShutdown>) ==
          "a half-close leaves the other direction open");
    CHECK(broken_rule(spoilt<ClosedComesAtOnce>) ==
          "an attempt that can do nothing says that it would block");
    CHECK(broken_rule(spoilt<HalfCloseIsTheEnd>) ==
          "closed() waits for the end of both directions");
    CHECK(broken_rule(spoilt<ClosedIsDeafAfterACancel>) ==
          "closed() can be cancelled and awaited again");
    CHECK(broken_rule(spoilt<CloseLeavesThemWaiting>) ==
          "a close ends the stream for the peer, after all bytes");
    CHECK(broken_rule(spoilt<CloseIsAnEnd>) == "close wakes all who wait, with Errc::closed");
    CHECK(broken_rule(spoilt<ShutdownAfterCloseSucceeds>) ==
          "after a close everything says closed");
    CHECK(broken_rule(spoilt<SwallowsWhatNobodyReads>) ==
          "a half-close leaves the other direction open");
    CHECK(broken_rule(spoilt<SendsToNobody>) == "sends to a peer that has closed fail at last");
    CHECK(broken_rule(spoilt<AbortIsAClose>) ==
          "an abort is an error for the peer and no clean end");
    CHECK(broken_rule(spoilt<LosesWhatACancelledRecvHadAsked>) == "a cancelled recv loses nothing");
    CHECK(broken_rule(spoilt<HoldsABlockedByte>) == "a cancelled send_some sends nothing");
    CHECK(broken_rule(spoilt<TakesEverything>) == "a second writer at once is an error");
  }
}
