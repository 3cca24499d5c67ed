#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <simul/call_graph.hpp>

#include "inspect/choose_tasks.hpp"
#include "inspect/commands.hpp"
#include "inspect/json_writer.hpp"

namespace simul::detail {
namespace {

class DumpCommand final : public ChooseTasks {
 public:
  DumpCommand(const RequestOptions& options, ClientMemory& memory, const InspectedProgram& program)
      : ChooseTasks(memory, program) {
    options.require_no_more();
  }

  std::string answer() override {
    JsonWriter json;
    json.begin_object().field("ok", true);
    json.field("count", count_);
    append_loops(json);
    std::vector<TaskInfo> tasks;
    for (const TaskInfo* info : details()) {
      if (info != nullptr) {
        tasks.push_back(*info);
      }
    }
    json.field("text", to_string(tasks));
    return json.end_object().text();
  }

 private:
  void choose() override {
    consider_all();
    count_ = candidates().size();
    candidates().resize(std::min(count_, kMostTasks), Candidate{});
  }

  std::size_t count_ = 0;
};

}  // namespace

std::unique_ptr<InspectCommand> dump_command(RequestOptions& options, ClientMemory& memory,
                                             const InspectedProgram& program) {
  return std::make_unique<DumpCommand>(options, memory, program);
}

}  // namespace simul::detail
