// InspectorClient: asks the inspector of a process, on its socket.
//
//   InspectorClient client("/run/user/1000/simul/4711.sock");
//   nlohmann::json answer = client.ask({{"command", "info"}});
//
// ask() waits; begin() and take() are for those who wait for other things, too.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>

#include <nlohmann/json.hpp>

namespace simul::cli {

/// Says what is wrong, for the user.
class InspectError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class InspectorClient {
 public:
  /// Throws InspectError.
  explicit InspectorClient(std::string path);
  ~InspectorClient();
  InspectorClient(const InspectorClient&) = delete;
  InspectorClient& operator=(const InspectorClient&) = delete;

  /// The answer. Throws InspectError if it is an error, if the process has ended, or if it says nothing for
  /// some seconds.
  nlohmann::json ask(const nlohmann::json& request);

  /// Sends a request. One at a time.
  void begin(const nlohmann::json& request);
  /// Its answer, if that is complete. Throws as ask(). To be called when descriptor() is readable.
  std::optional<nlohmann::json> take();
  [[nodiscard]] int descriptor() const noexcept { return fd_; }

 private:
  [[noreturn]] void fail(const std::string& why) const;

  const std::string path_;
  int fd_ = -1;
  std::string in_;
};

}  // namespace simul::cli
