#include <simul/protocols/discard.hpp>

#include <memory>

namespace simul {
namespace {

class Discard final : public Protocol {
 public:
  Coro<> serve(Connection& peer) override {
    while (co_await peer.recv_message()) {
    }
  }
};

}  // namespace

const ProtocolType& discard_protocol() {
  static constexpr ProtocolType kType = {
      .spec = {.name = "discard", .help = "reads and throws away what it receives"},
      .make = [](const OptionValues&) -> std::unique_ptr<Protocol> {
        return std::make_unique<Discard>();
      },
  };
  return kType;
}

}  // namespace simul
