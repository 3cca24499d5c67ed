#include <simul/load/progress_line.hpp>

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdint>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <simul/units.hpp>

#include "figures.hpp"

namespace simul::load {
namespace {

std::size_t columns_of(std::FILE* out) {
  winsize size{};
  return ::ioctl(::fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/// What to say when `phase` begins.
std::string beginning_of(Progress::Phase phase, const Options& options) {
  switch (phase) {
    case Progress::Phase::opening:
      return fmt::format("opening {} connections", grouped(options.connections));
    case Progress::Phase::warming_up:
      return "warming up for " + format_duration(options.warmup);
    case Progress::Phase::measuring:
    case Progress::Phase::draining:
      break;
  }
  return "measuring for " + format_duration(options.duration);
}

std::string_view name_of(Progress::Phase phase) {
  switch (phase) {
    case Progress::Phase::opening:
      return "opening";
    case Progress::Phase::warming_up:
      return "warming up";
    case Progress::Phase::measuring:
      return "measuring";
    case Progress::Phase::draining:
      break;
  }
  return "finishing";
}

}  // namespace

ProgressLine::ProgressLine(const Options& options, std::FILE* out)
    : options_(options), out_(out), live_(::isatty(::fileno(out)) == 1) {}

void ProgressLine::progress(const Progress& progress) {
  if (!live_) {
    if (announced_ != progress.phase && progress.phase != Progress::Phase::draining) {
      announced_ = progress.phase;
      fmt::print(out_, "simul load: {}\n", beginning_of(progress.phase, options_));
    }
    return;
  }
  // Cut to the terminal's width: a line that wraps can't be drawn over.
  const std::string text = text_of(progress).substr(0, columns_of(out_) - 1);
  fmt::print(out_, "\r{}\x1b[K", text);
  std::fflush(out_);
  drawn_ = true;
}

void ProgressLine::clear() {
  if (std::exchange(drawn_, false)) {
    fmt::print(out_, "\r\x1b[K");
    std::fflush(out_);
  }
}

std::string ProgressLine::text_of(const Progress& progress) const {
  const double seconds = std::chrono::duration<double>(progress.elapsed).count();
  std::string text = fmt::format("{} {:.0f} s   {} of {} open   {}/s", name_of(progress.phase),
                                 seconds, grouped(progress.open), grouped(options_.connections),
                                 grouped(static_cast<std::uint64_t>(progress.rate)));
  if (progress.p99 > 0) {
    text += "   p99 " + time_of(progress.p99);
  }
  if (progress.errors > 0) {
    text += fmt::format("   {} errors", grouped(progress.errors));
  }
  return text;
}

}  // namespace simul::load
