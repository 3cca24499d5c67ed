// The report as text: a line per subject, its name in the first column.
//
//   tcp://127.0.0.1:7000 (echo): 10,000 connections, 64 B, depth 1, 1 thread
//
//   connections   10,000 requested, 10,000 verified concurrent, open after 412 ms
//   messages      1,824,690 verified in 10.0 s, 182,469 per second
//   throughput    11.7 MB/s sent, 11.7 MB/s received
//   latency       p50 54.1 ms   p90 61.0 ms   p99 72.5 ms   p99.9 80.1 ms   max 91.7 ms
//   errors        none
#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <simul/load/report.hpp>
#include <simul/quote.hpp>
#include <simul/units.hpp>

#include "figures.hpp"

namespace simul::load {
namespace {

// Of the time: from here on the generator may be what limits.
constexpr double kBusy = 0.9;
constexpr double kStarved = 0.1;

std::string counted(std::uint64_t count, std::string_view one) {
  return grouped(count) + ' ' + std::string(one) + (count == 1 ? "" : "s");
}

std::string time_of(Duration duration) {
  return load::time_of(static_cast<std::uint64_t>(std::max<Duration::rep>(duration.count(), 0)));
}

class TextReport {
 public:
  explicit TextReport(const Report& report) : report_(report) {}

  std::string make() {
    heading();
    if (!report_.unreachable.empty()) {
      line("unreachable", fmt::format("{}: {}. {}", report_.options.target.endpoint.to_string(),
                                      report_.unreachable, report_.cure));
      return std::move(text_);
    }
    connections();
    handshakes();
    traffic();
    latency();
    statuses();
    errors();
    notes();
    return std::move(text_);
  }

 private:
  void line(std::string_view name, std::string_view content) {
    fmt::format_to(std::back_inserter(text_), "{:<13} {}\n", name, content);
  }

  void heading() {
    const Options& options = report_.options;
    text_ = fmt::format("{} ({}): {}, ", options.target.url, name_of(options.target.kind),
                        counted(options.connections, "connection"));
    if (options.target.kind == WorkKind::echo) {
      text_ += fmt::format("{}, ", format_size(options.size));
    }
    text_ +=
        fmt::format("depth {}, {}\n\n", grouped(options.depth), counted(options.threads, "thread"));
  }

  void connections() {
    line("connections",
         fmt::format("{} requested, {} verified concurrent{}", grouped(report_.options.connections),
                     grouped(report_.verified_concurrent),
                     report_.ramp > Duration::zero() &&
                             report_.verified_concurrent == report_.options.connections
                         ? ", open after " + time_of(report_.ramp)
                         : ""));
  }

  void handshakes() {
    std::string ciphers;
    for (const auto& [cipher, count] : report_.handshakes.ciphers) {
      ciphers += fmt::format("{}{}", ciphers.empty() ? "" : ", ", cipher);
      if (report_.handshakes.ciphers.size() > 1) {
        ciphers += fmt::format(" ({})", grouped(count));
      }
    }
    if (!ciphers.empty()) {
      line("tls", ciphers);
      line("handshakes", times("full", report_.handshakes.full));
      if (report_.handshakes.resumed.count() > 0) {
        line("", times("resumed", report_.handshakes.resumed));
      }
    }
  }

  static std::string times(std::string_view kind, const Histogram& handshakes) {
    std::string text = fmt::format("{} {}", grouped(handshakes.count()), kind);
    if (handshakes.count() > 0) {
      text +=
          fmt::format(": p50 {}   p99 {}   max {}", load::time_of(handshakes.percentile(50)),
                      load::time_of(handshakes.percentile(99)), load::time_of(handshakes.max()));
    }
    return text;
  }

  void traffic() {
    line(report_.options.target.kind == WorkKind::http ? "requests" : "messages",
         fmt::format("{} verified in {}, {} per second", grouped(report_.messages),
                     time_of(report_.measured),
                     grouped(static_cast<std::uint64_t>(report_.rate()))));
    const double seconds = std::chrono::duration<double>(report_.measured).count();
    if (seconds > 0) {
      line("throughput",
           fmt::format("{} sent, {} received",
                       throughput_of(static_cast<double>(report_.bytes_sent) / seconds),
                       throughput_of(static_cast<double>(report_.bytes_received) / seconds)));
    }
  }

  void latency() {
    if (report_.latency.count() == 0) {
      return;
    }
    const auto at = [this](double percent) {
      return load::time_of(report_.latency.percentile(percent));
    };
    line("latency", fmt::format("p50 {}   p90 {}   p99 {}   p99.9 {}   max {}", at(50), at(90),
                                at(99), at(99.9), at(100)));
  }

  void statuses() {
    std::string content;
    for (const auto& [status, count] : report_.statuses) {
      content += fmt::format("{}{}: {}", content.empty() ? "" : "   ", status, grouped(count));
    }
    if (!content.empty()) {
      line("statuses", content);
    }
  }

  void errors() {
    if (report_.errors.empty()) {
      line("errors", "none");
      return;
    }
    line("errors", grouped(report_.error_count()));
    for (const ErrorCount& error : report_.errors) {
      fmt::format_to(std::back_inserter(text_), "  {:<16}{:>11}   {}\n", error.kind,
                     grouped(error.count), error.example);
    }
  }

  void notes() {
    if (report_.errors.empty() && report_.verified_concurrent < report_.options.connections) {
      line("failed",
           "not all connections were verified as open at the same time: the target, or "
           "something on the way, closes or holds back some");
    }
    if (report_.unanswered > 0) {
      line("unanswered",
           fmt::format("{} at the end, the oldest for {}", counted(report_.unanswered, "message"),
                       time_of(report_.oldest_unanswered)));
    }
    if (report_.generator_busy >= kBusy) {
      line("note",
           fmt::format("the load generator used {:.0f} % of a core: it may be the limit, not "
                       "the server",
                       report_.generator_busy * 100));
    }
    if (report_.generator_starved >= kStarved) {
      line("note",
           fmt::format("the load generator waited for a processor {:.0f} % of the time: the "
                       "machine was too busy to measure well",
                       report_.generator_starved * 100));
    }
    if (report_.interrupted) {
      line("note", "interrupted before its time");
    }
  }

  const Report& report_;
  std::string text_;
};

}  // namespace

std::string to_text(const Report& report) { return TextReport(report).make(); }

}  // namespace simul::load
