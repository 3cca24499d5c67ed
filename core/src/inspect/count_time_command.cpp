#include <memory>
#include <string>
#include <utility>

#include <simul/clock.hpp>

#include "inspect/commands.hpp"
#include "inspect/json_writer.hpp"

namespace simul::detail {
namespace {

/// Its effect is that of the client's memory, which the inspector looks at before it answers: from then on the loops
/// know.
class CountTimeCommand final : public InspectCommand {
 public:
  CountTimeCommand(RequestOptions& options, ClientMemory& memory) {
    const bool on = options.required_truth("on");
    options.require_no_more();
    memory.counts_time = on;
  }
  bool go_on(TimePoint) override { return std::exchange(told_, true); }
  [[nodiscard]] TimePoint deadline() const noexcept override { return TimePoint(); }
  std::string answer() override {
    return JsonWriter().begin_object().field("ok", true).end_object().text();
  }

 private:
  bool told_ = false;
};

}  // namespace

std::unique_ptr<InspectCommand> count_time_command(RequestOptions& options, ClientMemory& memory) {
  return std::make_unique<CountTimeCommand>(options, memory);
}

}  // namespace simul::detail
