#include <simul/load/options.hpp>

#include <string_view>

namespace simul::load {
namespace {

std::optional<std::string> outside(std::string_view name, std::uint64_t value,
                                   std::uint64_t maximum) {
  if (value >= 1 && value <= maximum) {
    return std::nullopt;
  }
  return std::string(name) + " must be from 1 to " + std::to_string(maximum) + ", not " +
         std::to_string(value);
}

}  // namespace

std::optional<std::string> problem_with(const Options& options) {
  if (auto problem = outside("connections", options.connections, kMaxConnections)) return problem;
  if (auto problem = outside("depth", options.depth, kMaxDepth)) return problem;
  if (auto problem = outside("size", options.size, kMaxSize)) return problem;
  if (auto problem = outside("threads", options.threads, kMaxThreads)) return problem;
  if (options.messages == 0) return "messages must be at least 1";
  if (options.duration <= Duration::zero()) return "the duration must be longer than 0";
  if (options.timeout <= Duration::zero()) return "the timeout must be longer than 0";
  for (const Endpoint& source : options.sources) {
    if (source.family() != options.target.endpoint.family()) {
      return "the source " + source.to_string() + " can't reach " +
             options.target.endpoint.to_string() + ": they are of different families";
    }
  }
  return std::nullopt;
}

}  // namespace simul::load
