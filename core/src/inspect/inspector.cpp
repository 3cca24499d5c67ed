#include <simul/inspector.hpp>

#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include <simul/log.hpp>
#include <simul/quote.hpp>

#include "inspect/inspector_thread.hpp"

namespace simul {
namespace detail {
namespace {

/// Who answers for this process.
struct Post {
  std::mutex mutex;
  bool taken = false;
  bool environment_read = false;
  std::unique_ptr<InspectorThread> automatic;
};

/// Its automatic inspector removes its socket at the end of the process.
Post& post() {
  static Post only;
  return only;
}

std::unique_ptr<InspectorThread> take_post(InspectorOptions options) {
  const std::lock_guard lock(post().mutex);
  if (post().taken) {
    throw std::logic_error("there is an Inspector already, and it answers for all loops");
  }
  post().automatic.reset();
  auto thread = std::make_unique<InspectorThread>(std::move(options));
  post().taken = true;
  return thread;
}

/// The program may have more rights than who started it: then its environment says nothing.
bool asked_by_environment() {
  const char* const value = ::secure_getenv("SIMUL_INSPECT");
  const std::string_view wanted = value != nullptr ? value : "";
  if (!wanted.empty() && wanted != "0" && wanted != "1") {
    log(LogLevel::warning, "SIMUL_INSPECT=" + quote(wanted) + " is ignored: it can be 1 or 0");
  }
  return wanted == "1";
}

void begin_automatic() noexcept {
  const std::lock_guard lock(post().mutex);
  if (std::exchange(post().environment_read, true) || post().taken || !asked_by_environment()) {
    return;
  }
  try {
    post().automatic = std::make_unique<InspectorThread>(InspectorOptions());
  } catch (const std::exception& error) {
    log(LogLevel::warning, std::string("SIMUL_INSPECT: ") + error.what());
  }
}

}  // namespace

void inspect_if_asked() { [[maybe_unused]] static const bool once = (begin_automatic(), true); }

}  // namespace detail

Inspector::Inspector(InspectorOptions options) : thread_(detail::take_post(std::move(options))) {}

Inspector::~Inspector() {
  const std::lock_guard lock(detail::post().mutex);
  thread_.reset();
  detail::post().taken = false;
}

const std::string& Inspector::path() const noexcept { return thread_->path(); }

std::vector<std::string> inspector_folders(std::uint32_t user) {
  std::vector<std::string> folders;
  if (user != ::geteuid()) {
    folders.push_back("/run/user/" + std::to_string(user) + "/simul");
  } else if (const char* runtime = ::secure_getenv("XDG_RUNTIME_DIR");
             runtime != nullptr && *runtime == '/') {
    folders.push_back(runtime + std::string("/simul"));
  }
  folders.push_back("/tmp/simul-" + std::to_string(user));
  return folders;
}

}  // namespace simul
