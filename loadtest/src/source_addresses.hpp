// SourceAddresses: from which of this machine's addresses the next connection comes. One address has some
// 28,000 ports for one target; more connections need more addresses.
//
//   auto choice = sources.choose();
//   do { stream = co_await connect(target, {.source = sources.endpoint(choice)}); }
//   while (its ports are used up && sources.choose_next(choice));
//
// Given addresses take turns. Without any the kernel chooses, and for a loopback target 127.0.0.2,
// 127.0.0.3 ... follow, each when the ports of the one before are used up.
#pragma once

#include <cstddef>
#include <vector>

#include <simul/endpoint.hpp>

namespace simul::load {

class SourceAddresses {
 public:
  SourceAddresses(std::vector<Endpoint> given, const Endpoint& target);

  struct Choice {
    std::size_t index;
    std::size_t tried;
  };
  [[nodiscard]] Choice choose() noexcept;
  /// The ports of `choice` are used up. False: there is no other address left.
  [[nodiscard]] bool choose_next(Choice& choice) noexcept;
  [[nodiscard]] Endpoint endpoint(Choice choice) const noexcept;

 private:
  std::vector<Endpoint> given_;
  std::size_t count_;
  std::size_t next_ = 0;
};

}  // namespace simul::load
