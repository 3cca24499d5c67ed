// AccessLog: a line per answer, in a file.
//
//   AccessLog log("access.log", AccessFormat::combined);
//   log.note({.peer = peer, .head = head, .status = 200, .bytes = 1234, .took = took, .secure = false});
#pragma once

#include <cstdint>

#include <simul/clock.hpp>
#include <simul/endpoint.hpp>
#include <simul/http/request_head.hpp>

namespace simul::http {

struct Access {
  const Endpoint& peer;
  const RequestHead& head;  ///< empty members: what came was no request
  int status;
  std::uint64_t bytes;  ///< of the body, as sent
  Duration took;        ///< from the first byte of the request to the last one of the answer
  bool secure;
};

class AccessLog {
 public:
  virtual ~AccessLog() = default;
  /// Thread: any.
  virtual void note(const Access& access) noexcept = 0;
};

}  // namespace simul::http
