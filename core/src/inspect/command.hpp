// InspectCommand: a request, on its way from the line that asks to the line that answers.
//
//   std::unique_ptr<InspectCommand> command = InspectCommand::begin(request, memory, program);
//   while (!command->go_on(now)) { wait for program.wakeup, until command->deadline() }
//   send(command->answer());
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>

#include <simul/clock.hpp>
#include <simul/inspector.hpp>

#include "inspect/request.hpp"
#include "inspect/wakeup.hpp"

namespace simul::detail {

/// What there is to be asked about.
struct InspectedProgram {
  std::shared_ptr<Wakeup> wakeup = std::make_shared<Wakeup>();
  decltype(InspectorOptions::counters) counters;
};

/// What a client was told last, so that the next answer can say what happened per second.
struct ClientMemory {
  struct Counts {
    std::uint32_t wake_ups = 0;
    Duration busy{};
  };
  TimePoint at{};  // the epoch: it was told nothing yet
  std::unordered_map<std::uintptr_t, Counts> tasks;
  std::unordered_map<pid_t, Duration> loops;  // the time that their threads have had a processor
  bool counts_time = false;
};

/// The request is wrong; the message says why.
class RequestError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class InspectCommand {
 public:
  /// Throws RequestError. `memory` and `program` must outlive the command.
  static std::unique_ptr<InspectCommand> begin(const InspectRequest& request, ClientMemory& memory,
                                               const InspectedProgram& program);

  virtual ~InspectCommand() = default;
  InspectCommand(const InspectCommand&) = delete;
  InspectCommand& operator=(const InspectCommand&) = delete;

  /// True: the answer is complete.
  virtual bool go_on(TimePoint now) = 0;
  /// When to go on if nothing happens.
  [[nodiscard]] virtual TimePoint deadline() const noexcept = 0;
  /// A JSON object.
  [[nodiscard]] virtual std::string answer() = 0;

 protected:
  InspectCommand() = default;
};

/// {"ok":false,"error":"..."}
[[nodiscard]] std::string error_answer(std::string_view why);

}  // namespace simul::detail
