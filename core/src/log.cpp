#include <simul/log.hpp>

#include <array>
#include <cstdio>
#include <utility>

namespace simul {
namespace {

void to_stderr(LogLevel level, std::string_view message) {
  static constexpr std::array<const char*, 5> kNames = {"trace", "debug", "info", "warning",
                                                        "error"};
  std::fprintf(stderr, "simul: %s: %.*s\n", kNames[static_cast<std::size_t>(level)],
               static_cast<int>(message.size()), message.data());
}

LogSink& sink() {
  static auto* const only = new LogSink(to_stderr);  // threads may log to the very end
  return *only;
}

}  // namespace

void log(LogLevel level, std::string_view message) noexcept {
  try {
    sink()(level, message);
  } catch (...) {
    // A log that fails must not take the server with it, and there is nobody left to tell.
  }
}

void set_log_sink(LogSink replacement) {
  sink() = replacement ? std::move(replacement) : to_stderr;
}

}  // namespace simul
