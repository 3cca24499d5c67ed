#include "inspect/processes.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <simul/inspector.hpp>

#include "inspect/figures.hpp"

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

std::optional<uid_t> as_user(std::string_view text) {
  uid_t user = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), user);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(user)
                                                                  : std::nullopt;
}

struct Folder {
  std::string path;
  uid_t user;  // whose sockets it holds
};

/// Nobody but its user can have put something there.
bool is_private(const Folder& folder) {
  struct stat state{};
  return ::lstat(folder.path.c_str(), &state) == 0 && S_ISDIR(state.st_mode) &&
         state.st_uid == folder.user && (state.st_mode & 077U) == 0;
}

/// As inspector_folders(), whatever this session's own XDG_RUNTIME_DIR is.
std::vector<std::string> folders_of(uid_t user) {
  std::vector<std::string> folders = inspector_folders(user);
  std::string usual = fmt::format("/run/user/{}/simul", user);
  if (std::ranges::find(folders, usual) == folders.end()) {
    folders.push_back(std::move(usual));
  }
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

/// Those that can be trusted.
std::vector<Folder> all_folders() {
  std::vector<Folder> folders;
  const auto add = [&](Folder folder) {
    if (is_private(folder) &&
        std::ranges::find(folders, folder.path, &Folder::path) == folders.end()) {
      folders.push_back(std::move(folder));
    }
  };
  for (std::string& path : folders_of(::geteuid())) {
    add({.path = std::move(path), .user = ::geteuid()});
  }
  if (::geteuid() != 0) {
    return folders;
  }
  constexpr std::string_view kPrefix = "simul-";
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/tmp", ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix)) {
      continue;
    }
    if (const auto user = as_user(std::string_view(name).substr(kPrefix.size()))) {
      add({.path = entry.path().string(), .user = *user});
    }
  }
  for (const auto& entry : fs::directory_iterator("/run/user", ignored)) {
    if (const auto user = as_user(entry.path().filename().string())) {
      add({.path = (entry.path() / "simul").string(), .user = *user});
    }
  }
  return folders;
}

bool is_socket(const std::string& path) {
  struct stat state{};
  return ::lstat(path.c_str(), &state) == 0 && S_ISSOCK(state.st_mode);
}

/// Not those of others: what root finds in /tmp may be anybody's.
void remove_if_stale(const InspectorAddress& socket) {
  if (socket.user == ::geteuid() && ::kill(*socket.pid, 0) != 0 && errno == ESRCH) {
    ::unlink(socket.path.c_str());
  }
}

/// What its line in the list takes.
bool is_info(const nlohmann::json& info) {
  try {
    return info.at("uptime_s").is_number() && info.at("command_line").is_string() &&
           !task_count(info.at("loops")).empty();
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

/// The path of a socket, which the user has named.
InspectorAddress named_inspector(const std::string& path) {
  struct stat state{};
  if (::stat(path.c_str(), &state) != 0) {
    throw InspectError(errno == ENOENT && path.find('/') == std::string::npos
                           ? fmt::format("'{}' is neither a PID nor a socket", path)
                           : path + ": " + std::strerror(errno));
  }
  if (!S_ISSOCK(state.st_mode)) {
    throw InspectError(path + ": this isn't an inspector's socket");
  }
  return {.path = path};
}

}  // namespace

std::vector<Process> processes() {
  // One that doesn't answer holds up the list no longer: an inspector gives up a loop after one.
  constexpr std::chrono::seconds kPatience{2};
  std::vector<Process> found;
  for (const Folder& folder : all_folders()) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder.path, ignored)) {
      const std::optional<pid_t> pid = pid_of(entry.path());
      if (!pid || !is_socket(entry.path().string())) {
        continue;
      }
      const InspectorAddress address = {
          .path = entry.path().string(), .pid = pid, .user = folder.user};
      try {
        InspectorClient client(address);
        nlohmann::json info = client.ask({{"command", "info"}}, kPatience);
        if (is_info(info)) {
          found.push_back({*pid, address, std::move(info)});
        }
      } catch (const InspectError&) {
        remove_if_stale(address);
      }
    }
  }
  std::ranges::sort(found, {}, &Process::pid);
  return found;
}

InspectorAddress find_inspector(const std::string& target) {
  const std::optional<pid_t> pid = as_pid(target);
  if (!pid) {
    return named_inspector(target);
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
    const std::string path = fmt::format("{}/{}{}", folder, *pid, kEnding);
    struct stat state{};
    if (::lstat(path.c_str(), &state) != 0) {
      if (errno == EACCES) {
        throw InspectError(
            fmt::format("process {} belongs to another user: only they and root may look", *pid));
      }
      continue;
    }
    if (S_ISSOCK(state.st_mode) && is_private({.path = folder, .user = state.st_uid}) &&
        (state.st_uid == process.st_uid || state.st_uid == 0)) {
      return {.path = path, .pid = pid, .user = state.st_uid};
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
    text += fmt::format("{:>8} {:>10} {:>8}  {}\n", process.pid,
                        short_time(process.info.at("uptime_s").get<double>()),
                        task_count(process.info.at("loops")),
                        printable(process.info.at("command_line").get<std::string>()));
  }
  return text;
}

std::optional<InspectorAddress> choose_inspector(const std::string& target) {
  if (!target.empty()) {
    return find_inspector(target);
  }
  const std::vector<Process> all = processes();
  if (all.empty()) {
    throw InspectError(
        "no process has an inspector: simul serve has one by itself, other programs that link "
        "simul with SIMUL_INSPECT=1 in their environment");
  }
  if (all.size() == 1) {
    return all.front().address;
  }
  std::cerr << "Which one? Name its PID:\n" << to_text(all);
  return std::nullopt;
}

}  // namespace simul::cli
