#include <simul/protocol.hpp>

namespace simul {
namespace {

class HandlerProtocol final : public Protocol {
 public:
  explicit HandlerProtocol(Handler handler) : handler_(std::move(handler)) {}
  Coro<> serve(Connection& peer) override { return handler_(peer); }

 private:
  Handler handler_;
};

}  // namespace

Protocol::~Protocol() = default;
Coro<> Protocol::start(Loop&) { co_return; }
Coro<> Protocol::stop() { co_return; }

std::unique_ptr<Protocol> make_protocol(Handler handler) {
  return std::make_unique<HandlerProtocol>(std::move(handler));
}

}  // namespace simul
