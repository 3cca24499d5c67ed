#include "source_addresses.hpp"

#include <cstdint>
#include <utility>

namespace simul::load {
namespace {

constexpr std::size_t kLoopbackAddresses =
    254;  // 127.0.0.1 to 127.0.0.254: seven million connections

std::size_t addresses_for(const std::vector<Endpoint>& given, const Endpoint& target) {
  if (!given.empty()) {
    return given.size();
  }
  const bool rotates = target.family() == Endpoint::Family::ipv4 && target.is_loopback();
  return rotates ? kLoopbackAddresses : 1;
}

}  // namespace

SourceAddresses::SourceAddresses(std::vector<Endpoint> given, const Endpoint& target)
    : given_(std::move(given)), count_(addresses_for(given_, target)) {}

SourceAddresses::Choice SourceAddresses::choose() noexcept {
  const Choice choice{.index = next_, .tried = 1};
  if (!given_.empty()) {
    next_ = (next_ + 1) % count_;
  }
  return choice;
}

bool SourceAddresses::choose_next(Choice& choice) noexcept {
  if (choice.tried == count_) {
    return false;
  }
  ++choice.tried;
  choice.index = (choice.index + 1) % count_;
  if (given_.empty()) {
    next_ = choice.index;  // the others needn't find out by themselves
  }
  return true;
}

Endpoint SourceAddresses::endpoint(Choice choice) const noexcept {
  if (!given_.empty()) {
    return given_[choice.index];
  }
  if (choice.index == 0) {
    return {};
  }
  return Endpoint::ipv4({127, 0, 0, static_cast<std::uint8_t>(choice.index + 1)}, 0);
}

}  // namespace simul::load
