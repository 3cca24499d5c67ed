#include "work.hpp"

#include <random>

#include "echo_work.hpp"
#include "http_work.hpp"

namespace simul::load {

std::unique_ptr<Work> make_work(const Options& options) {
  switch (options.target.kind) {
    case WorkKind::http:
      return std::make_unique<HttpWork>(options.target, options.depth);
    case WorkKind::echo:
      break;
  }
  return std::make_unique<EchoWork>(std::random_device()(), options.size);
}

}  // namespace simul::load
