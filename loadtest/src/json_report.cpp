// The report as JSON. Its keys are a promise to programs: docs/load-testing.md describes them.
#include <cmath>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <simul/load/report.hpp>

namespace simul::load {
namespace {

using Json = nlohmann::ordered_json;

Json options_of(const Options& options) {
  Json json = {
      {"connections", options.connections},
      {"depth", options.depth},
      {"threads", options.threads},
      {"duration_ns", options.duration.count()},
      {"warmup_ns", options.warmup.count()},
      {"ramp_ns", options.ramp.count()},
      {"timeout_ns", options.timeout.count()},
  };
  if (options.target.kind == WorkKind::echo) {
    json["size"] = options.size;
  }
  if (options.messages) {
    json["messages"] = *options.messages;
  }
  if (options.target.is_tls()) {
    json["insecure"] = !options.tls.verify;
    json["sessionid"] = options.tls.resume;
    if (!options.tls.ca.empty()) {
      json["cacert"] = options.tls.ca;
    }
    if (!options.tls.certificate.empty()) {
      json["cert"] = options.tls.certificate;
    }
  }
  for (const Endpoint& source : options.sources) {
    json["sources"].push_back(source.to_string());
  }
  return json;
}

Json latency_of(const Histogram& latency) {
  return {
      {"count", latency.count()},
      {"min", latency.min()},
      {"mean", std::llround(latency.mean())},
      {"p50", latency.percentile(50)},
      {"p90", latency.percentile(90)},
      {"p99", latency.percentile(99)},
      {"p99.9", latency.percentile(99.9)},
      {"max", latency.max()},
      {"precision", Histogram::kPrecision},
  };
}

Json tls_of(const Handshakes& handshakes) {
  return {
      {"ciphers", handshakes.ciphers},
      {"full_ns", latency_of(handshakes.full)},
      {"resumed_ns", latency_of(handshakes.resumed)},
  };
}

}  // namespace

std::string to_json(const Report& report) {
  Json errors = Json::array();
  for (const ErrorCount& error : report.errors) {
    errors.push_back({{"kind", error.kind}, {"count", error.count}, {"example", error.example}});
  }
  Json statuses = Json::object();
  for (const auto& [status, count] : report.statuses) {
    statuses[std::to_string(status)] = count;
  }
  const std::time_t started = std::chrono::system_clock::to_time_t(report.started);
  Json json = {
      {"simul", report.version},
      {"format", 1},
      {"target", report.options.target.url},
      {"kind", name_of(report.options.target.kind)},
      {"started", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(started))},
      {"options", options_of(report.options)},
      {"passed", report.passed()},
      {"interrupted", report.interrupted},
      {"unreachable", report.unreachable.empty() ? Json() : Json(report.unreachable)},
      {"connections",
       {{"requested", report.options.connections},
        {"verified_concurrent", report.verified_concurrent},
        {"ramp_ns", report.ramp.count()}}},
      {"tls", report.options.target.is_tls() ? tls_of(report.handshakes) : Json()},
      {"measured_ns", report.measured.count()},
      {"messages", report.messages},
      {"rate", report.rate()},
      {"bytes_sent", report.bytes_sent},
      {"bytes_received", report.bytes_received},
      {"latency_ns", latency_of(report.latency)},
      {"statuses", std::move(statuses)},
      {"error_count", report.error_count()},
      {"errors", std::move(errors)},
      {"unanswered",
       {{"count", report.unanswered}, {"oldest_ns", report.oldest_unanswered.count()}}},
      {"generator_busy", report.generator_busy},
      {"generator_starved", report.generator_starved},
  };
  // An example may quote what a server sent; JSON is UTF-8, whatever that was.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace simul::load
