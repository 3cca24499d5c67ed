#include <simul/environment.hpp>

#include <ctime>

namespace simul {
namespace {

class RealEnvironment final : public Environment {
 public:
  TimePoint now() noexcept override {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return TimePoint(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
  }
};

}  // namespace

Environment::~Environment() = default;

Environment& Environment::real() noexcept {
  static RealEnvironment environment;
  return environment;
}

}  // namespace simul
