// InspectorClient: asks the inspector of a process, on its socket.
//
//   InspectorClient client({.path = "/run/user/1000/simul/4711.sock"});
//   nlohmann::json answer = client.ask({{"command", "info"}});
//
// ask() waits; begin() and take() are for those who wait for other things, too. Whatever is at the other end isn't
// trusted: it may be anybody's process, which says what it likes.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>

#include <nlohmann/json.hpp>

namespace simul::cli {

/// Says what is wrong, for the user: without what a terminal would take for commands, whoever has said it.
class InspectError : public std::runtime_error {
 public:
  explicit InspectError(const std::string& text);
};

/// Where an inspector is to be found, and who that has to be.
struct InspectorAddress {
  std::string path;
  std::optional<pid_t> pid{};
  std::optional<uid_t> user{};
};

class InspectorClient {
 public:
  /// So long an answer may take: the inspector itself gives up a loop after a second, for each of its two questions.
  static constexpr std::chrono::seconds kPatience{10};

  /// Throws InspectError, also if somebody else listens there.
  explicit InspectorClient(const InspectorAddress& address);
  ~InspectorClient();
  InspectorClient(const InspectorClient&) = delete;
  InspectorClient& operator=(const InspectorClient&) = delete;

  /// The answer. Throws InspectError if it is an error, if the process has ended, or if the answer isn't complete in time.
  nlohmann::json ask(const nlohmann::json& request, std::chrono::milliseconds patience = kPatience);

  /// Sends a request. One at a time.
  void begin(const nlohmann::json& request);
  /// Its answer, if that is complete. Throws as ask(). To be called when descriptor() is readable.
  std::optional<nlohmann::json> take();
  [[nodiscard]] int descriptor() const noexcept { return fd_; }

  /// Calls `use`, which looks at answers. Throws InspectError if they lack what an inspector's have.
  template <typename Use>
  void read(Use use) const {
    try {
      use();
    } catch (const nlohmann::json::exception&) {
      fail("this is no inspector: its answers make no sense");
    }
  }

 private:
  [[noreturn]] void fail(const std::string& why) const;

  const std::string path_;
  int fd_ = -1;
  std::string in_;
};

}  // namespace simul::cli
