// EchoWork: messages of a fixed size that have to come back unchanged, in order, and nothing else.
#pragma once

#include "pattern.hpp"
#include "work.hpp"

namespace simul::load {

class EchoWork final : public Work {
 public:
  EchoWork(std::uint64_t seed, std::uint64_t size) : pattern_(seed), size_(size) {}
  [[nodiscard]] std::unique_ptr<Dialogue> begin(std::uint64_t stream) const override;

 private:
  Pattern pattern_;
  std::uint64_t size_;
};

}  // namespace simul::load
