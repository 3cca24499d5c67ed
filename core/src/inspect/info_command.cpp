#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>

#include <simul/clock.hpp>

#include "inspect/ask_all.hpp"
#include "inspect/commands.hpp"
#include "inspect/json_writer.hpp"

namespace simul::detail {
namespace {

std::string contents(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string command_line() {
  std::string words = contents("/proc/self/cmdline");
  while (words.ends_with('\0')) {
    words.pop_back();
  }
  std::ranges::replace(words, '\0', ' ');
  return words;
}

/// Of the process. Zero if it can't be learned.
Duration uptime() {
  const std::string status = contents("/proc/self/stat");
  std::istringstream fields(status.substr(std::min(status.rfind(')') + 1, status.size())));
  std::string field;
  for (int i = 3; i < 22; ++i) {  // the name was the second one
    fields >> field;
  }
  std::int64_t ticks = 0;
  if (!(fields >> ticks)) {
    return Duration::zero();
  }
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  const Duration since_boot =
      std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  return since_boot - std::chrono::nanoseconds(1'000'000'000 / ::sysconf(_SC_CLK_TCK)) * ticks;
}

class InfoCommand final : public AskAll {
 public:
  InfoCommand(const RequestOptions& options, ClientMemory& memory, const InspectedProgram& program)
      : AskAll(memory, program, Question::count) {
    options.require_no_more();
  }

  std::string answer() override {
    JsonWriter json;
    json.begin_object().field("ok", true);
    json.field("pid", ::getpid());
    json.field("program", program_invocation_short_name);
    json.field("command_line", command_line());
    json.field("simul", SIMUL_VERSION);
    json.field("uptime_s", seconds(uptime()));
    append_loops(json);
    append_counters(json);
    return json.end_object().text();
  }
};

}  // namespace

std::unique_ptr<InspectCommand> info_command(RequestOptions& options, ClientMemory& memory,
                                             const InspectedProgram& program) {
  return std::make_unique<InfoCommand>(options, memory, program);
}

}  // namespace simul::detail
