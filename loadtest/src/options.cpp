#include <simul/load/options.hpp>

#include <string_view>

#include <simul/quote.hpp>

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

std::optional<std::string> problem_with_tls(const TlsClientSettings& tls, const Target& target) {
  const std::string_view given = !tls.ca.empty()            ? "--cacert"
                                 : !tls.verify              ? "--insecure"
                                 : !tls.certificate.empty() ? "--cert"
                                 : !tls.key.empty()         ? "--key"
                                 : !tls.resume              ? "--no-sessionid"
                                                            : "";
  if (!given.empty() && !target.is_tls()) {
    return std::string(given) + " is for tls:// and https:// only, and not for " +
           quote(target.url);
  }
  if (!tls.verify && !tls.ca.empty()) {
    return "--insecure verifies nothing, so --cacert would have no effect: leave one of them out";
  }
  if (!tls.key.empty() && tls.certificate.empty()) {
    return "--key is of no use without the certificate that it belongs to: --cert FILE";
  }
  return std::nullopt;
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
  return problem_with_tls(options.tls, options.target);
}

}  // namespace simul::load
