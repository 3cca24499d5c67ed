// The thread of an Inspector: it stands in poll() for its clients and for the answers of the loops, and waits for
// none of them alone. Its rules: a client has one request in work, and the next one is read when its answer
// has gone; a line has a limit; whoever begins a line, or gets an answer, and then doesn't move for ten seconds
// is dropped.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <simul/clock.hpp>
#include <simul/detail/mailbox.hpp>
#include <simul/inspector.hpp>

#include "inspect/command.hpp"
#include "inspect/socket.hpp"

namespace simul::detail {

class InspectorThread {
 public:
  /// Throws std::system_error.
  explicit InspectorThread(InspectorOptions options);
  ~InspectorThread();
  InspectorThread(const InspectorThread&) = delete;
  InspectorThread& operator=(const InspectorThread&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return socket_.path(); }

 private:
  class Client;

  void serve();
  void wait(TimePoint now);
  void accept(TimePoint now);
  void count_time();

  InspectedProgram program_;
  InspectorSocket socket_;
  std::list<Client> clients_;  // they stay where they are: commands refer to them
  TimePoint accepts_from_{};
  std::vector<std::shared_ptr<Mailbox>> counting_;  // the loops that were told to count the time
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

/// With SIMUL_INSPECT=1 the first loop that runs makes an Inspector, unless there is one.
void inspect_if_asked();

}  // namespace simul::detail
