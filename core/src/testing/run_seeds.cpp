#include <simul/testing/run_seeds.hpp>

#include <charconv>
#include <cstdlib>
#include <exception>
#include <string_view>

#include <simul/exception_group.hpp>

namespace simul {
namespace {

std::uint64_t parse_seed(std::string_view text) {
  std::uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw std::invalid_argument("SIMUL_SEED is not a seed: '" + std::string(text) + "'");
  }
  return seed;
}

void run_seed(std::uint64_t seed, const std::function<void(std::uint64_t)>& program) {
  try {
    program(seed);
  } catch (...) {
    std::throw_with_nested(SeedFailure(seed, describe(std::current_exception())));
  }
}

}  // namespace

SeedFailure::SeedFailure(std::uint64_t seed, const std::string& what)
    : std::runtime_error("seed " + std::to_string(seed) +
                         " fails (SIMUL_SEED=" + std::to_string(seed) + " replays it): " + what),
      seed_(seed) {}

SeedFailure::~SeedFailure() = default;

void run_seeds(std::size_t count, const std::function<void(std::uint64_t seed)>& program) {
  if (const char* text = std::getenv("SIMUL_SEED"); text != nullptr) {
    run_seed(parse_seed(text), program);
    return;
  }
  for (std::uint64_t seed = 0; seed < count; ++seed) {
    run_seed(seed, program);
  }
}

}  // namespace simul
