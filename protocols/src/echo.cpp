#include <simul/protocols/echo.hpp>

#include <memory>

namespace simul {
namespace {

class Echo final : public Protocol {
 public:
  Coro<> serve(Connection& peer) override {
    while (auto chunk = co_await peer.recv_message()) {
      if (!co_await peer.send(*chunk)) {
        break;
      }
    }
  }
};

}  // namespace

const ProtocolType& echo_protocol() {
  static constexpr ProtocolType kType = {
      .spec = {.name = "echo", .help = "sends back what it receives"},
      .make = [](const OptionValues&) -> std::unique_ptr<Protocol> {
        return std::make_unique<Echo>();
      },
  };
  return kType;
}

}  // namespace simul
