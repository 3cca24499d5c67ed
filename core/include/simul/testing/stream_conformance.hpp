// check_stream_conformance: does a kind of stream keep what <simul/stream.hpp> promises?
//
//   run(check_stream_conformance([]() -> Coro<StreamPair> {
//     auto [near, far] = make_my_streams();
//     co_return StreamPair{std::move(near), std::move(far)};
//   }));
//
// Each rule gets a new pair, and another one with the ends exchanged. No rule counts on a buffer, so it
// suits streams in lockstep; on a loop with a virtual clock or in a Simulation it takes no time. What
// lives in the kernel needs a loop with the real clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include <simul/clock.hpp>
#include <simul/coro.hpp>
#include <simul/export.hpp>
#include <simul/stream.hpp>

namespace simul {

struct StreamPair {
  std::unique_ptr<Stream> near;
  std::unique_ptr<Stream> far;
};

struct ConformanceOptions {
  /// Can it end one direction alone? Without, shutdown() isn't called.
  bool half_close = true;
  /// Does an abort reach the peer as an error? (A Unix socket can't do that.)
  bool abort_resets = true;
  /// Bytes to transfer in each direction at once.
  std::size_t volume = std::size_t{1} << 20;
  /// More bytes than it holds on their way.
  std::size_t too_much = std::size_t{16} << 20;
  /// A rule that has not ended by then is broken.
  Duration patience = std::chrono::seconds(20);
};

/// what() begins with the rule that was broken.
class SIMUL_EXPORT ConformanceError : public std::logic_error {
 public:
  ConformanceError(std::string rule, const std::string& what);
  ~ConformanceError() override;
  [[nodiscard]] const std::string& rule() const noexcept { return rule_; }

 private:
  std::string rule_;
};

/// Throws ConformanceError at the first rule that is broken. Cancel safety: safe.
SIMUL_EXPORT Coro<> check_stream_conformance(std::function<Coro<StreamPair>()> make,
                                             ConformanceOptions options = {});

}  // namespace simul
