// The commands that there are, each in a file of its own. All take their options, and throw RequestError.
#pragma once

#include <memory>

#include "inspect/command.hpp"
#include "inspect/options.hpp"

namespace simul::detail {

std::unique_ptr<InspectCommand> info_command(RequestOptions& options, ClientMemory& memory,
                                             const InspectedProgram& program);
std::unique_ptr<InspectCommand> tasks_command(RequestOptions& options, ClientMemory& memory,
                                              const InspectedProgram& program);
std::unique_ptr<InspectCommand> dump_command(RequestOptions& options, ClientMemory& memory,
                                             const InspectedProgram& program);
std::unique_ptr<InspectCommand> count_time_command(RequestOptions& options, ClientMemory& memory);

}  // namespace simul::detail
