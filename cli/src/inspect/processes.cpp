#include "inspect/processes.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include <simul/inspector.hpp>

#include "inspect/figures.hpp"
#include "inspect/inspector_client.hpp"

namespace simul::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEnding = ".sock";

std::optional<pid_t> as_pid(std::string_view text) {
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  const bool valid = error == std::errc() && end == text.data() + text.size() && pid > 0;
  return valid ? std::optional(pid) : std::nullopt;
}

/// "/run/user/1000/simul/4711.sock": 4711.
std::optional<pid_t> pid_of(const fs::path& socket) {
  return socket.extension() == kEnding ? as_pid(socket.stem().string()) : std::nullopt;
}

void add(std::vector<std::string>& folders, const std::string& folder) {
  if (std::ranges::find(folders, folder) == folders.end()) {
    folders.push_back(folder);
  }
}

/// As inspector_folders(), whatever this session's own XDG_RUNTIME_DIR is.
std::vector<std::string> folders_of(uid_t user) {
  std::vector<std::string> folders = inspector_folders(user);
  add(folders, fmt::format("/run/user/{}/simul", user));
  return folders;
}

/// The one that a process was told, if this user may know.
std::optional<std::string> runtime_folder_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/environ", pid), std::ios::binary);
  constexpr std::string_view kName = "XDG_RUNTIME_DIR=";
  for (std::string variable; std::getline(file, variable, '\0');) {
    if (variable.starts_with(kName)) {
      return variable.substr(kName.size()) + "/simul";
    }
  }
  return std::nullopt;
}

std::vector<std::string> all_folders() {
  std::vector<std::string> folders = folders_of(::geteuid());
  if (::geteuid() != 0) {
    return folders;
  }
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/tmp", ignored)) {
    if (entry.path().filename().string().starts_with("simul-")) {
      add(folders, entry.path().string());
    }
  }
  for (const auto& entry : fs::directory_iterator("/run/user", ignored)) {
    add(folders, (entry.path() / "simul").string());
  }
  return folders;
}

/// Not those of others: what root finds in /tmp may be anybody's.
void remove_if_stale(const fs::path& socket, pid_t pid) {
  struct stat folder{};
  const bool ours = ::lstat(socket.parent_path().c_str(), &folder) == 0 &&
                    S_ISDIR(folder.st_mode) && folder.st_uid == ::geteuid();
  if (ours && ::kill(pid, 0) != 0 && errno == ESRCH) {
    ::unlink(socket.c_str());
  }
}

}  // namespace

std::vector<Process> processes() {
  std::vector<Process> found;
  for (const std::string& folder : all_folders()) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      const std::optional<pid_t> pid = pid_of(entry.path());
      if (!pid) {
        continue;
      }
      try {
        InspectorClient client(entry.path().string());
        found.push_back({*pid, entry.path().string(), client.ask({{"command", "info"}})});
      } catch (const InspectError&) {
        remove_if_stale(entry.path(), *pid);
      }
    }
  }
  std::ranges::sort(found, {}, &Process::pid);
  return found;
}

std::string find_inspector(const std::string& target) {
  const std::optional<pid_t> pid = as_pid(target);
  if (!pid) {
    return target;
  }
  struct stat process{};
  if (::stat(fmt::format("/proc/{}", *pid).c_str(), &process) != 0) {
    throw InspectError(fmt::format("there is no process {}", *pid));
  }
  std::vector<std::string> folders = folders_of(process.st_uid);
  if (const std::optional<std::string> folder = runtime_folder_of(*pid)) {
    folders.insert(folders.begin(), *folder);
  }
  for (const std::string& folder : folders) {
    std::string path = fmt::format("{}/{}{}", folder, *pid, kEnding);
    if (struct stat state{}; ::stat(path.c_str(), &state) == 0) {
      return path;
    }
    if (errno == EACCES) {
      throw InspectError(
          fmt::format("process {} belongs to another user: only they and root may look", *pid));
    }
  }
  throw InspectError(
      fmt::format("process {} has no inspector: it isn't a simul program, or wasn't started with "
                  "SIMUL_INSPECT=1 (simul serve needs none)",
                  *pid));
}

std::string to_text(const std::vector<Process>& processes) {
  std::string text = fmt::format("{:>8} {:>10} {:>8}  {}\n", "PID", "UP", "TASKS", "COMMAND");
  for (const Process& process : processes) {
    std::uint64_t tasks = 0;
    for (const nlohmann::json& loop : process.info.at("loops")) {
      tasks += loop.value("tasks", std::uint64_t{0});
    }
    text += fmt::format("{:>8} {:>10} {:>8}  {}\n", process.pid,
                        short_time(process.info.at("uptime_s").get<double>()), tasks,
                        printable(process.info.at("command_line").get<std::string>()));
  }
  return text;
}

std::string choose_inspector(const std::string& target) {
  if (!target.empty()) {
    return find_inspector(target);
  }
  const std::vector<Process> all = processes();
  if (all.empty()) {
    throw InspectError(
        "no process has an inspector: simul serve has one by itself, other programs that link "
        "simul with "
        "SIMUL_INSPECT=1 in their environment");
  }
  if (all.size() == 1) {
    return all.front().path;
  }
  std::cerr << "Which one? Name its PID:\n" << to_text(all);
  return {};
}

}  // namespace simul::cli
