// Report: what a load test found out, and its two forms: text for people, JSON for programs (described
// in docs/load-testing.md).
//
//   Report report = run(options);
//   std::cout << to_text(report);
//   return report.passed() ? 0 : 1;
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <simul/clock.hpp>
#include <simul/load/histogram.hpp>
#include <simul/load/options.hpp>

namespace simul::load {

/// All errors of one kind.
struct ErrorCount {
  std::string kind;  ///< "connect-refused", "wrong-bytes", "status" ...
  std::uint64_t count = 0;
  std::string example;  ///< the first one, in words
};

/// Of TLS, by what it cost: nanoseconds from the connection to the end of the handshake.
struct Handshakes {
  Histogram full;
  Histogram resumed;  ///< an earlier session was taken up again
  /// Connections by "TLSv1.3 TLS_AES_128_GCM_SHA256".
  std::map<std::string, std::uint64_t> ciphers;

  void merge(const Handshakes& other);
};

struct Report {
  Options options;
  std::string version;
  std::chrono::system_clock::time_point started{};

  /// Nobody was there: the reason, and what may help. Nothing else was done then.
  std::string unreachable;
  std::string cure;
  /// Ended early, by hand.
  bool interrupted = false;

  /// From the first connect until every connection had its first verified reply.
  Duration ramp{};
  /// How long was really measured.
  Duration measured{};

  /// Over TLS. Of the whole run, ramp included.
  Handshakes handshakes;

  /// Connections that were open at one and the same moment: each had a verified reply before it and
  /// another one, asked for afterwards, on the same connection.
  std::uint64_t verified_concurrent = 0;

  /// Verified replies that came while it was measured.
  std::uint64_t messages = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  /// Nanoseconds from the moment a message was due until its reply was complete and verified, of every
  /// message that was due while it was measured.
  Histogram latency;
  /// HTTP only.
  std::map<unsigned, std::uint64_t> statuses;

  /// Of the whole run, ramp included; the most frequent first.
  std::vector<ErrorCount> errors;
  /// Messages without a reply when the connections were closed at the end, and how long the oldest
  /// of them had waited.
  std::uint64_t unanswered = 0;
  Duration oldest_unanswered{};

  /// CPU time of the busiest generator thread, divided by the time. Near 1, the generator may have been
  /// the limit, not the server.
  double generator_busy = 0;
  /// The share of the time that a generator thread had work, but no processor to do it on: something
  /// else used the machine, perhaps the server.
  double generator_starved = 0;

  [[nodiscard]] std::uint64_t error_count() const noexcept;
  /// Messages per second.
  [[nodiscard]] double rate() const noexcept;
  /// Something was verified, every connection was, and nothing went wrong.
  [[nodiscard]] bool passed() const noexcept;
};

[[nodiscard]] std::string to_text(const Report& report);
[[nodiscard]] std::string to_json(const Report& report);

}  // namespace simul::load
