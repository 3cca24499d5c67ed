#include <simul/load/report.hpp>

namespace simul::load {

void Handshakes::merge(const Handshakes& other) {
  full.merge(other.full);
  resumed.merge(other.resumed);
  for (const auto& [cipher, count] : other.ciphers) {
    ciphers[cipher] += count;
  }
}

std::uint64_t Report::error_count() const noexcept {
  std::uint64_t count = 0;
  for (const ErrorCount& error : errors) {
    count += error.count;
  }
  return count;
}

double Report::rate() const noexcept {
  return measured <= Duration::zero()
             ? 0
             : static_cast<double>(messages) / std::chrono::duration<double>(measured).count();
}

bool Report::passed() const noexcept {
  return errors.empty() && unreachable.empty() && messages > 0 &&
         verified_concurrent == options.connections;
}

}  // namespace simul::load
