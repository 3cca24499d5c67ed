#include "trace/tracer.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include <simul/log.hpp>
#include <simul/quote.hpp>

#include "trace/handoff_tracer.hpp"
#include "trace/json_tracer.hpp"

namespace simul::detail {
namespace {

enum class Mode : std::uint8_t { off, handoff, narrated, json };

/// Where the traces of this process go: all its loops write to one file. What it forks isn't traced: it would
/// write into the same file.
struct TraceRequest {
  Mode mode = Mode::off;
  std::FILE* file = stderr;
  pid_t process = ::getpid();
};

/// Ends the file at the end of the process, after the last loop.
struct Traces : TraceRequest {
  explicit Traces(TraceRequest request) : TraceRequest(request) {}
  Traces(const Traces&) = delete;
  Traces& operator=(const Traces&) = delete;
  ~Traces() {
    if (::getpid() != process) {
      return;
    }
    if (mode == Mode::json) {
      JsonTracer::finish(file);
    }
    std::fflush(file);  // not closed: loops may still run on other threads
  }
};

TraceRequest read_request() {
  const char* value = std::getenv("SIMUL_TRACE");
  const std::string_view wanted = value != nullptr ? value : "";
  const std::size_t colon = wanted.find(':');
  const std::string_view mode = wanted.substr(0, colon);
  std::string path(colon == std::string_view::npos ? "" : wanted.substr(colon + 1));
  TraceRequest request;
  if (mode == "handoff") {
    request.mode = Mode::handoff;
  } else if (mode == "long") {
    request.mode = Mode::narrated;
  } else if (mode == "json") {
    request.mode = Mode::json;
    path = !path.empty() ? path : "simul-trace." + std::to_string(::getpid()) + ".json";
  } else if (!wanted.empty()) {
    log(LogLevel::warning, "SIMUL_TRACE=" + quote(wanted) +
                               " is ignored: it can be handoff, long or json, each with :FILE");
    return request;
  }
  if (!path.empty()) {
    request.file = std::fopen(path.c_str(), "we");
  }
  if (request.file != nullptr && request.file != stderr) {
    // A program that hangs or crashes leaves whole lines behind, up to the last one.
    std::setvbuf(request.file, nullptr, _IOLBF, BUFSIZ);
  }
  if (request.file == nullptr) {
    log(LogLevel::warning, "SIMUL_TRACE: " + path + ": " + std::strerror(errno));
    return {};
  }
  if (request.mode == Mode::json) {
    std::fputs("[\n", request.file);
  }
  return request;
}

}  // namespace

std::unique_ptr<Tracer> Tracer::from_environment(const Loop& loop) {
  static const Traces request(read_request());
  static std::atomic<int> loops = 0;
  if (request.process != ::getpid()) {
    return nullptr;
  }
  switch (request.mode) {
    case Mode::off:
      return nullptr;
    case Mode::handoff:
    case Mode::narrated:
      return std::make_unique<HandoffTracer>(loop, request.file, ++loops,
                                             request.mode == Mode::narrated);
    case Mode::json:
      return std::make_unique<JsonTracer>(request.file, ++loops);
  }
}

}  // namespace simul::detail
