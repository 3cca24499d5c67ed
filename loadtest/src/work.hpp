// Work: a kind of load, as what a client says on a connection and what it expects to hear. It moves no
// bytes itself and knows no socket, no loop and no clock: a worker does that, the same for all kinds.
//
//   auto dialogue = work.begin(stream);
//   dialogue->ask(2);                        // two more messages: there is output() to be sent
//   dialogue->receive(bytes, replies);       // says replies.on_reply() for each that is complete
//
// A new kind of load is one class derived from Work and one from Dialogue, and a line in make_work().
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>

#include <simul/chunk.hpp>
#include <simul/load/options.hpp>

#include "errors.hpp"

namespace simul::load {

/// Who wants to know about replies.
class Replies {
 public:
  /// The oldest message without a reply has got one, complete and verified. `status`: of HTTP, else 0.
  virtual void on_reply(unsigned status) = 0;

 protected:
  ~Replies() = default;
};

/// What to do with the connection after some bytes of it.
enum class Next : std::uint8_t {
  go_on,
  reopen,  ///< the server ends it, as is its right: what was asked beyond is asked on another one
};

/// The client's side of one connection.
class Dialogue {
 public:
  virtual ~Dialogue() = default;

  /// Puts `count` more messages into the output.
  virtual void ask(std::size_t count) = 0;
  /// What is to be sent next; empty if nothing is. Stays valid until the next call.
  [[nodiscard]] virtual Bytes output() const noexcept = 0;
  /// That much of output() was sent.
  virtual void sent(std::size_t bytes) noexcept = 0;

  virtual std::expected<Next, Failure> receive(Bytes bytes, Replies& replies) = 0;
  /// The server has finished sending while messages were without a reply.
  virtual std::expected<Next, Failure> end_of_stream(Replies& replies) = 0;
};

/// Shared by all connections and threads.
class Work {
 public:
  virtual ~Work() = default;
  /// `stream` is another number for every connection.
  [[nodiscard]] virtual std::unique_ptr<Dialogue> begin(std::uint64_t stream) const = 0;
};

[[nodiscard]] std::unique_ptr<Work> make_work(const Options& options);

}  // namespace simul::load
