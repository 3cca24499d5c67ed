// Measurement: what one worker has counted. Workers' measurements are added at the end, and now and then
// for the progress line.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>

#include <simul/clock.hpp>
#include <simul/load/histogram.hpp>
#include <simul/load/report.hpp>

#include "errors.hpp"

namespace simul::load {

struct Measurement {
  Histogram latency;
  Handshakes handshakes;
  ErrorTally errors;
  std::map<unsigned, std::uint64_t> statuses;
  std::uint64_t messages = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t verified_concurrent = 0;
  std::uint64_t unanswered = 0;
  Duration oldest_unanswered{};
  Duration measured{};
  double generator_busy = 0;
  double generator_starved = 0;
  std::size_t open = 0;

  void merge(const Measurement& other) {
    latency.merge(other.latency);
    handshakes.merge(other.handshakes);
    errors.merge(other.errors);
    for (const auto& [status, count] : other.statuses) {
      statuses[status] += count;
    }
    messages += other.messages;
    bytes_sent += other.bytes_sent;
    bytes_received += other.bytes_received;
    verified_concurrent += other.verified_concurrent;
    unanswered += other.unanswered;
    oldest_unanswered = std::max(oldest_unanswered, other.oldest_unanswered);
    measured = std::max(measured, other.measured);
    generator_busy = std::max(generator_busy, other.generator_busy);
    generator_starved = std::max(generator_starved, other.generator_starved);
    open += other.open;
  }
};

}  // namespace simul::load
