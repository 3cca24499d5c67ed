#include "inspect/command.hpp"

#include <string_view>

#include <simul/quote.hpp>

#include "inspect/commands.hpp"
#include "inspect/json_writer.hpp"
#include "inspect/options.hpp"

namespace simul::detail {

std::unique_ptr<InspectCommand> InspectCommand::begin(const InspectRequest& request,
                                                      ClientMemory& memory,
                                                      const InspectedProgram& program) {
  const std::string& command = request.command();
  RequestOptions options(request);
  if (command == "info") {
    return info_command(options, memory, program);
  }
  if (command == "tasks") {
    return tasks_command(options, memory, program);
  }
  if (command == "dump") {
    return dump_command(options, memory, program);
  }
  if (command == "count_time") {
    return count_time_command(options, memory);
  }
  throw RequestError("there is no command " + quote(command) +
                     "; there are info, tasks, dump and count_time");
}

std::string error_answer(std::string_view why) {
  return JsonWriter().begin_object().field("ok", false).field("error", why).end_object().text();
}

}  // namespace simul::detail
