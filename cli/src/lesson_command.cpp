#include "lesson_command.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include <CLI/CLI.hpp>

#include <simul/config/suggest.hpp>

#include "exit_status.hpp"

namespace simul::cli {
namespace {

namespace fs = std::filesystem;

struct Lesson {
  std::string name;
  std::string title;
};

/// A path given from where this program lies.
fs::path from_bin(const char* path) {
  return (fs::read_symlink("/proc/self/exe").parent_path() / path).lexically_normal();
}

/// In the order in which they are taught.
std::vector<Lesson> all_lessons() {
  const fs::path index = from_bin(SIMUL_LESSONS_FROM_BIN) / "index";
  std::ifstream file(index);
  if (!file) {
    throw std::runtime_error("no lessons are installed here: " + index.string() + " isn't there");
  }
  std::vector<Lesson> lessons;
  Lesson lesson;
  while (std::getline(file, lesson.name, '\t') && std::getline(file, lesson.title)) {
    lessons.push_back(lesson);
  }
  return lessons;
}

void list(const std::vector<Lesson>& lessons) {
  std::size_t width = 0;
  for (const Lesson& lesson : lessons) {
    width = std::max(width, lesson.name.size());
  }
  for (const Lesson& lesson : lessons) {
    std::cout << std::left << std::setw(static_cast<int>(width) + 2) << lesson.name << lesson.title
              << '\n';
  }
}

int complain(const std::string& name, const std::vector<Lesson>& lessons) {
  std::vector<std::string_view> names(lessons.size());
  std::ranges::transform(lessons, names.begin(), &Lesson::name);
  std::cerr << "simul lesson: there is no lesson \"" << name << '"';
  if (const std::string close = config::suggest(name, names); !close.empty()) {
    std::cerr << "; did you mean \"" << close << "\"?";
  }
  std::cerr << "\n`simul lesson` lists them\n";
  return kUsage;
}

/// What SIMUL_TRACE may be.
bool is_trace(std::string_view value) {
  const std::string_view mode = value.substr(0, value.find(':'));
  return mode == "handoff" || mode == "long" || mode == "json";
}

/// Empty: nothing is wrong with it.
std::string check_trace(const std::string& value) {
  return is_trace(value) ? "" : '"' + value + "\" isn't handoff, long or json";
}

/// What the option is if nothing follows it; CLI11 says "true" then.
std::string trace_or_default(const std::string& value) {
  return value == "true" ? "handoff" : value;
}

/// What was meant for --trace but stands apart from it, where it would be the name or an argument.
std::string stray_trace(const std::string& name, const std::vector<std::string>& arguments) {
  if (is_trace(name)) {
    return name;
  }
  const auto stray = std::ranges::find_if(arguments, is_trace);
  return stray == arguments.end() ? "" : *stray;
}

/// Returns only by throwing.
[[noreturn]] void execute(const fs::path& program, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), program);
  std::vector<char*> argv(arguments.size() + 1);  // a null stands at the end
  std::ranges::transform(arguments, argv.begin(), [](std::string& text) { return text.data(); });
  ::execv(program.c_str(), argv.data());
  throw std::system_error(errno, std::generic_category(), program.string());
}

}  // namespace

LessonCommand::LessonCommand(CLI::App& app)
    : command_(app.add_subcommand("lesson", "List the lessons, or run one")) {
  command_->add_option("name", name_, "Which one; without it they are listed");
  command_
      ->add_flag(
          "--trace", trace_,
          "Print how control is handed over. --trace[=HOW]: handoff (the default), long or json, "
          "and where to with :FILE. For example: --trace=long")
      ->check(check_trace)
      ->transform(trace_or_default);
  command_->add_flag("--source", source_, "Print the lesson's program instead of running it");
  command_->allow_extras();
  command_->footer(
      "What else follows the name goes to the lesson:  simul lesson chess 10000\n"
      "Its program is what --source prints.");
}

int LessonCommand::run() {
  std::vector<std::string> arguments = command_->remaining();
  if (const std::string mode = stray_trace(name_, arguments); !trace_.empty() && !mode.empty()) {
    std::cerr << "simul lesson: \"" << mode
              << "\" is no argument of a lesson; did you mean --trace=" << mode << "?\n";
    return kUsage;
  }
  const std::vector<Lesson> lessons = all_lessons();
  if (name_.empty()) {
    list(lessons);
    return kSuccess;
  }
  if (std::ranges::find(lessons, name_, &Lesson::name) == lessons.end()) {
    return complain(name_, lessons);
  }
  if (source_) {
    const fs::path path = from_bin(SIMUL_LESSON_SOURCES_FROM_BIN) / (name_ + ".cpp");
    std::ifstream file(path);
    if (!file) {
      throw std::runtime_error("the sources aren't installed here: " + path.string() +
                               " isn't there");
    }
    std::cout << file.rdbuf();
    return kSuccess;
  }
  if (!trace_.empty()) {
    ::setenv("SIMUL_TRACE", trace_.c_str(), 1);
  }
  execute(from_bin(SIMUL_LESSONS_FROM_BIN) / name_, std::move(arguments));
}

}  // namespace simul::cli
