// Protocol: what a listener runs. A handler function is the simplest one; a protocol with options and
// state derives from Protocol and is named in a ProtocolType, which is how `protocol: echo` in the
// configuration finds it.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include <simul/connection.hpp>
#include <simul/coro.hpp>
#include <simul/export.hpp>
#include <simul/loop.hpp>
#include <simul/option.hpp>
#include <simul/protocol_spec.hpp>

namespace simul {

/// One instance per listener, shared by all its loops: serve() runs on several threads at once.
class SIMUL_EXPORT Protocol {
 public:
  Protocol(const Protocol&) = delete;
  Protocol& operator=(const Protocol&) = delete;
  virtual ~Protocol();

  /// Runs on each loop before its first connection; a throw refuses to start.
  virtual Coro<> start(Loop& loop);
  /// Serves one connection until it returns. The connection outlives the coroutine and is closed
  /// after it.
  virtual Coro<> serve(Connection& peer) = 0;
  /// Runs on each loop after its last connection.
  virtual Coro<> stop();

 protected:
  Protocol() noexcept = default;
};

/// A named kind of protocol: its options, as the configuration takes them, and how to make one.
struct ProtocolType {
  ProtocolSpec spec;
  /// Throws std::exception where the options, valid by themselves, don't work: a missing folder.
  std::unique_ptr<Protocol> (*make)(const OptionValues& options);
};

/// A handler function as a protocol.
[[nodiscard]] SIMUL_EXPORT std::unique_ptr<Protocol> make_protocol(Handler handler);

}  // namespace simul
